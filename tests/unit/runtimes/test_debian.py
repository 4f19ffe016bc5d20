from au2.runtimes.debian import choose_sources, default_sources, parse_targets

DEFAULT = [
    "deb http://deb.debian.org/debian bookworm main",
    "deb http://deb.debian.org/debian bookworm-updates main",
    "deb http://deb.debian.org/debian-security bookworm-security main",
]


def test_debians_own() -> None:
    assert default_sources("bookworm") == DEFAULT
    # No host is a Debian of this suite.
    assert choose_sources("hamm", None)[0] == "deb http://deb.debian.org/debian hamm main"


def test_a_mirror() -> None:
    found = choose_sources("bookworm", "https://mirror.example/debian")
    assert found[:2] == [
        "deb https://mirror.example/debian bookworm main",
        "deb https://mirror.example/debian bookworm-updates main",
    ]
    lines = "deb [signed-by=/k] https://a bookworm main\n\n deb https://b x y\n"
    assert choose_sources("bookworm", lines) == [
        "deb [signed-by=/k] https://a bookworm main",
        "deb https://b x y",
    ]
    assert choose_sources("bookworm", " \n") == DEFAULT


def test_the_sources_of_the_host_are_used() -> None:
    lines = [
        "https://mirror.example/debian/ bookworm main",
        "https://mirror.example/debian/ bookworm contrib",
        "https://mirror.example/debian/ bookworm main",
        "https://mirror.example/security/ bookworm-security main",
        "https://packages.example/ cloud-bookworm main",
        "https://mirror.example/debian/ bookworm-backports main",
        "nonsense",
    ]
    assert parse_targets(lines, "bookworm") == [
        "deb https://mirror.example/debian/ bookworm main",
        "deb https://mirror.example/security/ bookworm-security main",
    ]
    assert parse_targets(lines, "trixie") == []
    assert parse_targets(["https://x/ bookworm-security main"], "bookworm") == []
