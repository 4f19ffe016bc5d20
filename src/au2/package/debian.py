"""Debian packages of a ``packages.txt``: one a line, with an optional exact version."""

import re
from typing import NamedTuple, NoReturn

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.wording import format_bytes

MOST_BYTES = 64 << 10
MOST_PACKAGES = 500
_SHOWN_CHARACTERS = 80
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{1,99}")
"""Debian policy 5.6.7."""
_VERSION = re.compile(r"(?:[0-9]{1,9}:)?[0-9][A-Za-z0-9.+~-]{0,99}")
"""Debian policy 5.6.12."""
_COMMENT = re.compile(r"(?:^|[ \t]+)#.*")
_LINE_END = re.compile(r"\r\n|\n|\r")
_HINTS = (
    (re.compile(r"-"), "options are not supported: write the names of packages only"),
    (
        re.compile(r"[a-z][a-z0-9+.-]*://|.*/.*\.deb$|.*\.deb$"),
        "packages come from the runtime's own sources: write the package's name only",
    ),
    (re.compile(r"[^=]*[><!~]"), "write an exact version as NAME=VERSION, or the name only"),
    (re.compile(r"[^=]*=="), "a version follows one '=': NAME=VERSION"),
    (re.compile(r"[^=]*[ \t]"), "write one package a line, and NAME=VERSION without blanks"),
    (re.compile(r"[^=]*:"), "leave out the architecture: it is the runtime's"),
    (re.compile(r"[^=]*/"), "leave out the suite: it is the runtime's"),
    (re.compile(r"[^=]*[*?\[]"), "write every package by its full name"),
    (re.compile(r"[^=]*[A-Z]"), "names of Debian packages are in lower case"),
    (re.compile(r".*[ \t,;]"), "write one package a line"),
)
"""Beginning of a wrong line, and what to write instead; the first that fits is told."""


class DebianPackage(NamedTuple):
    """One Debian package asked for."""

    name: str
    version: str | None
    """Exact version; None: what the runtime's sources have."""
    line: int
    """One-based line of the file, for messages."""


def parse_debian_packages(text: str, file: str) -> tuple[DebianPackage, ...]:
    """Return the packages of a file, sorted by name; equal lines count once.

    Raises InvalidPackage with all errors.
    """
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise InvalidPackage(
            details=[Detail(f"the file is larger than {format_bytes(MOST_BYTES)}", file=file)]
        )
    found: dict[str, DebianPackage] = {}
    errors: list[Detail] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        try:
            _take(line, number, found)
        except ValueError as error:
            errors.append(Detail(str(error), file=file, line=number))
    if len(found) > MOST_PACKAGES:
        errors.append(Detail(f"the file names more than {MOST_PACKAGES} packages", file=file))
    if errors:
        raise InvalidPackage(details=errors)
    return tuple(sorted(found.values()))


def _take(line: str, number: int, found: dict[str, DebianPackage]) -> None:
    asked = _COMMENT.sub("", line, count=1).strip(" \t")
    if not asked:
        return
    package = _parse_line(asked, number)
    before = found.setdefault(package.name, package)
    if before.version != package.version:
        raise ValueError(
            f"{package.name} is asked for with another version in line {before.line}: keep one"
        )


def _parse_line(asked: str, number: int) -> DebianPackage:
    name, equals, version = asked.partition("=")
    if _NAME.fullmatch(name) is None:
        _refuse(asked)
    if not equals:
        return DebianPackage(name, None, number)
    # What follows the last hyphen is the Debian revision, which can't be empty.
    if _VERSION.fullmatch(version) is None or version.endswith("-"):
        _refuse(asked, "this is not a version of a Debian package")
    return DebianPackage(name, version, number)


def _refuse(asked: str, otherwise: str = "this is not the name of a Debian package") -> NoReturn:
    hint = next((hint for pattern, hint in _HINTS if pattern.match(asked)), otherwise)
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in asked)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = f"{shown[:_SHOWN_CHARACTERS]}…"
    raise ValueError(f"'{shown}': {hint}")
