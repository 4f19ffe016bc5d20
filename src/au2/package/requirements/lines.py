"""Lines of a ``requirements.txt``, joined and freed of comments as in pip (``req_file``).

pip documents the format ("Requirements File Format"); its reader decides the rest.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from au2.package.requirements.options import ENVIRONMENT_OPTIONS

_COMMENT = re.compile(r"(^|\s)#.*$")
"""As pip's, which also takes all blanks before it, but in time that grows with their square."""
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_VERSION_CONTROL = re.compile(r"(^|[\s@])(git|hg|svn|bzr)\+", re.IGNORECASE)
_URL = re.compile(r"(^|@\s*)[A-Za-z][A-Za-z0-9+.-]*:(//)?")
_ARCHIVE = re.compile(r"\.(whl|zip|egg|tar|tgz|tbz|txz|tlz|tar\.(gz|bz2|xz|lz|lzma))$", re.I)
_SOURCES = re.compile(rf"(-[if]|{'|'.join(ENVIRONMENT_OPTIONS)})(?=$|[\s=:/.])")
_EDITABLE = re.compile(r"(-e|--editable)(?=$|[\s=./])")
_EDITABLE_REFUSED = "nothing is installed editable: put the module into the package's own folder"
_MOST_CHARACTERS = 20_000


class LogicalLine(NamedTuple):
    """One logical line: continued lines joined, without comment."""

    text: str
    file: str
    number: int
    """One-based, where it begins, as an editor counts."""


def logical_lines(text: str, file: str) -> Iterator[LogicalLine]:
    """Yield the lines with content."""
    begin, parts = 0, [""]
    for number, raw in _numbered(text):
        begin = begin or number
        is_comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not is_comment:
            parts.append(raw.strip("\\"))
            continue
        # A comment ends what is continued, wherever on its line it begins.
        parts.append(f" {raw}" if is_comment else raw)
        yield from _cleaned("".join(parts), file, begin)
        begin, parts = 0, [""]
    yield from _cleaned("".join(parts), file, begin)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines as pip splits them; a form feed ends a line, and editors don't count one."""
    number = 1
    for line in text.splitlines(keepends=True):
        content = line.splitlines()[0]
        yield number, content
        number += line[len(content) :] in ("\n", "\r", "\r\n")


def _cleaned(text: str, file: str, number: int) -> Iterator[LogicalLine]:
    cleaned = _COMMENT.sub("", text).strip()
    if cleaned:
        yield LogicalLine(cleaned, file, number)


def find_refusal(line: str) -> str | None:
    """Return why a line is refused whatever else the line says, or None."""
    before_marker = line.partition(";")[0].strip()
    if (odd := _find_oddity(line)) is not None:
        return odd
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
    return _find_location(before_marker.partition(" --")[0].strip())


def _find_oddity(line: str) -> str | None:
    if len(line) > _MOST_CHARACTERS:
        return f"the line is longer than {_MOST_CHARACTERS} characters"
    odd = next((c for c in line if not c.isprintable() and c != "\t"), None)
    if odd is None:
        return None
    return f"the line holds a character that can't be seen, U+{ord(odd):04X}: remove it"


def find_path(including: str, value: str) -> str | None:
    """Return the path in the package of a file named in ``including``, or None if outside."""
    if not value or value.startswith(("/", "~")) or _URL.match(value) or "\\" in value:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(including), value))
    return None if path.startswith("..") or path == "." else path


def _find_location(text: str) -> str | None:
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
