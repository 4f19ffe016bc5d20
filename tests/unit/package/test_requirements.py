import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import Detail, InvalidPackage
from au2.package.requirements import Requirement, Requirements, parse_requirements

HASH = "sha256:" + "a" * 64


def mistakes_of(text: str, **files: str) -> list[str]:
    with pytest.raises(InvalidPackage) as caught:
        parse_requirements(text, read=files.get)
    return [str(detail) for detail in caught.value.details]


def test_names_versions_extras_and_markers_are_taken() -> None:
    text = """\
    # what we need
    Six == 1.17.0  # pinned
    idna
    requests[socks] >=2, \\
        <3 ; python_version >= "3.8"
    zope.interface(>=5)
    """
    assert parse_requirements(text) == Requirements(
        requirements=(
            Requirement("six", "Six == 1.17.0"),
            Requirement("idna", "idna"),
            Requirement("requests", 'requests[socks] >=2, <3 ; python_version >= "3.8"'),
            Requirement("zope-interface", "zope.interface(>=5)"),
        )
    )


def test_hashes_belong_to_their_requirement() -> None:
    found = parse_requirements(f"--require-hashes\nsix==1.17.0 \\\n    --hash={HASH}\n")
    assert found.requirements == (Requirement("six", "six==1.17.0", (HASH,)),)
    assert found.require_hashes


def test_files_of_the_package_are_included() -> None:
    files = {"more/base.txt": "six\n-c limits.txt\n", "more/limits.txt": "idna<4\n"}
    found = parse_requirements("-r more/base.txt\n-cmore/limits.txt", read=files.get)
    assert [asked.text for asked in found.requirements] == ["six"]
    assert [asked.text for asked in found.constraints] == ["idna<4"]


def test_a_circle_of_includes_ends() -> None:
    files = {"requirements.txt": "-r a.txt", "a.txt": "six\n-r requirements.txt\n-r a.txt"}
    found = parse_requirements("-r a.txt", read=files.get)
    assert [asked.name for asked in found.requirements] == ["six"]


def test_options_about_what_is_taken_are_kept() -> None:
    found = parse_requirements("--no-binary=Six,idna\n--only-binary :all:\n--pre\n")
    assert (found.no_binary, found.only_binary) == (("idna", "six"), (":all:",))
    assert found.prereleases


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--index-url https://example.org/simple", "server's settings say"),
        ("-i https://example.org/simple", "server's settings say"),
        ("--extra-index-url=https://example.org/simple", "server's settings say"),
        ("-f /srv/wheels", "server's settings say"),
        ("--find-links ./wheels", "server's settings say"),
        ("--trusted-host example.org", "server's settings say"),
        ("reqests==", "is no requirement"),
        ("six=1.17", "is no requirement"),
        ("six 1.17", "is no requirement"),
        ("six==1.17 1.18", "is no requirement"),
        ("-e .", "editable"),
        ("-e git+https://example.org/x.git#egg=x", "no version control"),
        ("--editable=./lib", "editable"),
        ("git+https://example.org/x.git", "no version control"),
        ("x @ git+ssh://example.org/x.git", "no version control"),
        ("x@git+ssh://example.org/x.git", "no version control"),
        ("file:///etc/passwd", "files of the machine"),
        ("x @ file:///etc/passwd", "files of the machine"),
        ("x @ FILE:/etc/passwd", "files of the machine"),
        ("https://example.org/x.whl", "URLs are not taken"),
        ("x @ https://example.org/x.whl", "URLs are not taken"),
        ("./lib", "files and folders"),
        ("../lib", "files and folders"),
        ("/srv/x", "files and folders"),
        ("lib/x", "files and folders"),
        ("x-1.0-py3-none-any.whl", "files and folders"),
        ("x-1.0.tar.gz", "files and folders"),
        ("six==${VERSION}", "variables"),
        ("-r ../other.txt", "not inside the package"),
        ("-r /etc/passwd", "not inside the package"),
        ("-r https://example.org/r.txt", "not inside the package"),
        ("-c sub/../../c.txt", "not inside the package"),
        ("-r missing.txt", "there is no file 'missing.txt'"),
        ("--config-settings x", "option --config-settings is not taken"),
        ("six --global-option=x", "option --global-option=x is not taken"),
        ("six --hash=md5:abc", "is no hash"),
        ("six == \x00", "can't be printed"),
        ("!!", "is no requirement"),
        ("sïx", "is no requirement"),
    ],
)
def test_what_is_refused_is_told_with_its_line(line: str, reason: str) -> None:
    (told,) = mistakes_of(f"idna\n\n{line}\n")
    assert told.startswith("requirements.txt:3: ")
    assert reason in told


def test_every_mistake_is_told_also_those_of_included_files() -> None:
    told = mistakes_of("-e .\n-r a.txt\n!!\n", **{"a.txt": "six\nfile:///x\n"})
    assert [line.partition(": ")[0] for line in told] == [
        "requirements.txt:1",
        "a.txt:2",
        "requirements.txt:3",
    ]


def test_too_many_lines_are_refused() -> None:
    (told,) = mistakes_of("six\n" * 6000)
    assert "more than 5000 lines" in told


def test_required_hashes_must_be_there() -> None:
    (told,) = mistakes_of("--require-hashes\nsix==1.17.0\n")
    assert "'six' has no --hash" in told


@given(st.text())
def test_no_text_makes_it_stumble(text: str) -> None:
    told: list[Detail] = []
    texts: list[str] = []
    try:
        texts = [asked.text for asked in parse_requirements(text).requirements]
    except InvalidPackage as error:
        told = list(error.details)
        texts = ["refused"]
    assert told or "refused" not in texts
    assert not any("\n" in asked for asked in texts)
