import pytest

from au2.domain.errors import RuntimeBuildFailed
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
    assert choose_sources("bookworm", " \n") == DEFAULT


def test_a_whole_line_counts_for_its_own_suite() -> None:
    lines = """
        deb [signed-by=/k arch=amd64] https://a bookworm main

        deb https://b bookworm-security x
        # deb https://c bookworm main
        deb\t[trusted=no]https://d trixie main
        deb-src https://e trixie y
    """
    assert choose_sources("bookworm", lines) == [
        "deb [signed-by=/k arch=amd64] https://a bookworm main",
        "deb https://b bookworm-security x",
    ]
    assert choose_sources("trixie", lines) == ["deb\t[trusted=no]https://d trixie main"]


def test_whole_lines_of_other_suites_are_no_sources() -> None:
    with pytest.raises(RuntimeBuildFailed) as caught:
        choose_sources("trixie", "deb https://a bookworm main\ndeb https://a bookworm-updates main")
    assert "for bookworm, bookworm-updates, and the runtime is of trixie" in caught.value.message
    assert caught.value.hint is not None
    assert "Add lines for trixie" in caught.value.hint


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
