from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidPackage
from au2.package.debian import MOST_PACKAGES, DebianPackage, parse_debian_packages


def test_names_versions_and_comments() -> None:
    text = "# tools\r\njq\n\n  g++=4:12.2.0-3 # compiler\ncurl"
    assert parse_debian_packages(text, "packages.txt") == (
        DebianPackage("curl", None, 5),
        DebianPackage("g++", "4:12.2.0-3", 4),
        DebianPackage("jq", None, 2),
    )
    assert parse_debian_packages("", "f") == parse_debian_packages("#\n \t\n", "f") == ()


def test_the_same_line_twice_counts_once() -> None:
    found = parse_debian_packages("jq=1.6-2\ncurl\njq=1.6-2", "f")
    assert [package.name for package in found] == ["curl", "jq"]
    with pytest.raises(InvalidPackage) as caught:
        parse_debian_packages("jq=1.6-2\njq\n", "packages.txt")
    [detail] = caught.value.details
    assert str(detail).startswith("packages.txt:2: jq is asked for with another version in line 1")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-y", "options"),
        ("-oDpkg::Pre-Invoke=touch /x", "options"),
        ("--allow-unauthenticated", "options"),
        ("foo:arm64", "architecture"),
        ("foo/sid", "suite"),
        ("../x.deb", "the runtime's own sources"),
        ("/tmp/x.deb", "the runtime's own sources"),
        ("https://h/x", "the runtime's own sources"),
        ("foo>=1", "exact version"),
        ("foo==1", "one '='"),
        ("foo bar", "one package a line"),
        ("foo = 1", "without blanks"),
        ("a;b", "one package a line"),
        ("foo,bar", "one package a line"),
        ("lib*", "full name"),
        ("?installed", "full name"),
        ("~nbash", "exact version"),
        ("Curl", "lower case"),
        ("x", "not the name"),
        ("foo=", "not a version"),
        ("foo=1-", "not a version"),
        ("foo=1=2", "not a version"),
        ("foo=1)|(bash", "not a version"),
        ("foo=abc", "not a version"),
        ("fo\0o", "not the name"),
        ("fo\x1b[2Jo", "full name"),
        ("fo\u2028o", "not the name"),
        ("foo#bar", "not the name"),
        ("a" * 200, "not the name"),
        ("föö", "not the name"),
    ],
)
def test_other_lines_are_refused_with_what_to_write(line: str, words: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        parse_debian_packages(f"jq\n{line}\n", "packages.txt")
    [detail] = caught.value.details
    assert (detail.file, detail.line) == ("packages.txt", 2)
    assert words in detail.message
    assert detail.message.isprintable()
    assert len(detail.message) < 250


def test_a_name_that_apt_would_take_as_a_removal_is_a_name() -> None:
    assert parse_debian_packages("bash-", "f") == (DebianPackage("bash-", None, 1),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n".join(f"p{n}" for n in range(10, 600)), f"more than {MOST_PACKAGES} packages"),
        ("#" * (65 << 10), "larger than 64 KiB"),
    ],
)
def test_too_much_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        parse_debian_packages(text, "packages.txt")
    assert words in str(caught.value.details[0])


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidPackage):
        found = parse_debian_packages(text, "packages.txt")
        assert all(package.name.isascii() for package in found)
