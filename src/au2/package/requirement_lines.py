"""Lines of a ``requirements.txt``: joined, freed of comments, and judged by their form."""

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

_COMMENT = re.compile(r"(^|\s)#.*$")
_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}")
_VERSION_CONTROL = re.compile(r"(^|[\s@])(git|hg|svn|bzr)\+", re.IGNORECASE)
_URL = re.compile(r"(^|@\s*)[A-Za-z][A-Za-z0-9+.-]*:(//)?")
_ARCHIVE = re.compile(r"\.(whl|zip|egg|tar|tgz|tar\.(gz|bz2|xz))(\s|$)", re.IGNORECASE)
_SOURCES = re.compile(
    r"(-i|-f|--index-url|--extra-index-url|--index|--default-index|--no-index|--find-links"
    r"|--trusted-host|--proxy|--cert|--client-cert)(?=$|[\s=:/.])"
)
_EDITABLE = re.compile(r"(-e|--editable)(?=$|[\s=./])")
_EDITABLE_REFUSED = "nothing is installed editable: put the module into the package's own folder"
_MOST_CHARACTERS = 20_000


class LogicalLine(NamedTuple):
    """A line as it is meant: continued ones joined, no comment."""

    text: str
    file: str
    number: int
    """One-based, where it begins."""


def logical_lines(text: str, file: str) -> Iterator[LogicalLine]:
    """Yield the lines that say something."""
    waiting, begin = "", 0
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        begin = begin or number
        line = _COMMENT.sub("", raw)
        if line == raw and raw.endswith("\\"):
            waiting += raw[:-1] + " "
            continue
        joined = " ".join((waiting + line).split())
        if joined:
            yield LogicalLine(joined, file, begin)
        waiting, begin = "", 0


def find_refusal(line: str) -> str | None:
    """Return why a line is not taken, whatever else it says; None: nothing speaks against it."""
    before_marker = line.partition(";")[0].strip()
    if len(line) > _MOST_CHARACTERS or not line.isprintable():
        return "the line is too long, or holds characters that can't be printed"
    if _VARIABLE.search(line):
        return "variables are not filled in here: write the value"
    if _SOURCES.match(line):
        option = re.split(r"[\s=]", line)[0]
        return (
            f"{option[:40]} is not taken from a package: the server's settings say where "
            "dependencies come from (ask your operator to add an index there)"
        )
    if _VERSION_CONTROL.search(before_marker):
        return (
            "builds have no version control and reach the package index only: write NAME==VERSION, "
            "or put the module into the package's own folder"
        )
    if before_marker.startswith("-"):
        return _EDITABLE_REFUSED if _EDITABLE.match(line) else None
    return _find_place(before_marker)


def find_path(including: str, value: str) -> str | None:
    """Return the path in the package of a file named in ``including``; None: it lies outside."""
    if not value or value.startswith(("/", "~")) or _URL.match(value) or "\\" in value:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(including), value))
    return None if path.startswith("..") or path == "." else path


def _find_place(text: str) -> str | None:
    if _URL.search(text):
        kind = "files of the machine" if "file:" in text.lower() else "URLs"
        return (
            f"{kind} are not taken, only names that the package index knows: write NAME==VERSION, "
            "or put the module into the package's own folder"
        )
    if text.startswith((".", "/", "~", "\\")) or "/" in text or _ARCHIVE.search(text):
        return (
            "files and folders are not installed: write NAME==VERSION, or put the module into the "
            "package's own folder, where Python finds it"
        )
    return None
