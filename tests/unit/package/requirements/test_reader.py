import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import Detail, InvalidPackage
from au2.package.requirements import Requirement, Requirements
from au2.package.requirements.reader import parse_requirements

HASH = "sha256:" + "a" * 64


def errors_of(text: str, **files: str) -> list[str]:
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
            Requirement("six", "Six==1.17.0"),
            Requirement("idna", "idna"),
            Requirement("requests", 'requests[socks]<3,>=2; python_version >= "3.8"'),
            Requirement("zope-interface", "zope.interface>=5"),
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
    found = parse_requirements("--only-binary :all:\n--no-binary=Six,idna --pre\n")
    assert (found.no_binary, found.only_binary) == (("idna", "six"), (":all:",))
    assert found.prereleases


@pytest.mark.parametrize(
    ("text", "no_binary", "only_binary"),
    [
        ("--no-binary six\n--only-binary :all:", (), (":all:",)),
        ("--no-binary :all:\n--no-binary :none:\n--no-binary six", ("six",), ()),
        ("--no-binary six\n--only-binary six", (), ("six",)),
        ("--no-binary a,:all:,b", (":all:", "b"), ()),
    ],
)
def test_later_choices_of_formats_hold(
    text: str, no_binary: tuple[str, ...], only_binary: tuple[str, ...]
) -> None:
    found = parse_requirements(text)
    assert (found.no_binary, found.only_binary) == (no_binary, only_binary)


def test_names_of_included_files_may_be_quoted() -> None:
    files = {"sub folder/in.txt": "six>=0!1.0"}
    for line in (
        '-r "sub folder/in.txt"',
        "--requirement='sub folder/in.txt'",
        "--requirem sub\\ folder/in.txt",
    ):
        found = parse_requirements(line, read=files.get)
        assert [asked.text for asked in found.requirements] == ["six>=0!1.0"]


def test_what_a_file_of_constraints_includes_by_r_is_asked_for() -> None:
    files = {"c.txt": "-r more.txt\nidna<4", "more.txt": "six"}
    found = parse_requirements("-c c.txt", read=files.get)
    assert [asked.text for asked in found.requirements] == ["six"]
    assert [asked.text for asked in found.constraints] == ["idna<4"]


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
        ("https://example.org/x.whl", "URLs are not supported"),
        ("x @ https://example.org/x.whl", "URLs are not supported"),
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
        ("-r a.txt b.txt", "'b.txt' stands behind an option"),
        ("-r a.txt -c b.txt", "on a line of their own"),
        ("-r a.txt --pre", "on a line of their own"),
        ("-r sub\\in.txt", "write / between folders"),
        ('-r "sub.txt', "can't be split"),
        ("--config-settings x", "option --config-settings is not supported"),
        ("--use-feature x", "option --use-feature is not supported"),
        ("--no-binary", "--no-binary option requires 1 argument"),
        ("--no-binary ../x", "write names of distributions"),
        ("--pre=1", "--pre option does not take a value"),
        ("--nonsense", "no such option: --nonsense"),
        ("six --global-option=x", "no such option: --global-option"),
        ("six --pre", "option --pre is not supported behind a requirement"),
        ("six --hash=md5:abc", "is no hash"),
        ("six == \x00", "can't be seen, U+0000"),
        ("six\u200b", "can't be seen, U+200B"),
        ("six; python_version > 3", "Expected a marker variable or quoted string"),
        ("six; pyhton_version > '3'", "Expected a marker variable or quoted string"),
        ("six>=1.*", ".* suffix can only be used with"),
        ("six===one", "is no version"),
        ("six @ x", "URLs are not supported"),
        ("six==" + "9" * 5000, "too large"),
        ("six==18446744073709551615", "too large"),
        ("six; " + "(" * 9000, "nested too deeply"),
        ("six; python_version >= '3.x'", "compares with no version"),
        ("six; python_version in '3.8.*'", "write python_version in"),
        ("six; python_full_version in '3.11.0'", "write python_version in"),
        ("six; 'x' in extra", "compare extra with == or !="),
        ("six; sys_platform > 'linux'", "compare it with ==, != or in"),
        ("six; 'a' == 'b'", "must compare one variable with one quoted text"),
        ("six; 'x' in extras", "extras is for lock files"),
        ("!!", "is no requirement"),
        ("sïx", "is no requirement"),
    ],
)
def test_what_is_refused_is_told_with_its_line(line: str, reason: str) -> None:
    (told,) = errors_of(f"idna\n\n{line}\n")
    assert told.startswith("requirements.txt:3: ")
    assert reason in told


def test_every_error_is_told_also_those_of_included_files() -> None:
    told = errors_of("-e .\n-r a.txt\n!!\n", **{"a.txt": "six\nfile:///x\n"})
    assert [line.partition(": ")[0] for line in told] == [
        "requirements.txt:1",
        "a.txt:2",
        "requirements.txt:3",
    ]


def test_too_many_lines_are_refused() -> None:
    (told,) = errors_of("six\n" * 6000)
    assert "more than 5000 lines" in told


def test_blanks_without_end_take_no_time() -> None:
    # With time in the square of their number, this would go on for hours.
    text = "six" + " " * 900_000 + "# x\n" + "\t" * 100_000 + "\\\nidna\n"
    assert [asked.text for asked in parse_requirements(text).requirements] == ["six", "idna"]


def test_required_hashes_must_be_there() -> None:
    (told,) = errors_of("--require-hashes\nsix==1.17.0\n")
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
