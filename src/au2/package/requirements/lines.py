"""Lines of a ``requirements.txt`` and their options, split and joined as in pip (``req_file``).

pip documents the format ("Requirements File Format"); its reader decides the rest. Options are
parsed by shlex and optparse, as in pip.
"""

import posixpath
import re
import shlex
from collections.abc import Iterator
from optparse import OptionParser, Values
from typing import Any, NamedTuple, NoReturn

from packaging.utils import InvalidName, canonicalize_name

ENVIRONMENT_OPTIONS = (
    "--index-url",
    "--pypi-url",
    "--extra-index-url",
    "--index",
    "--default-index",
    "--no-index",
    "--find-links",
    "--trusted-host",
    "--proxy",
    "--cert",
    "--client-cert",
)
"""Of pip and uv: where distributions come from. A package does not decide that."""
_WITH_VALUE = (
    ("-i", "--index-url", "--pypi-url"),
    ("--extra-index-url",),
    ("-f", "--find-links"),
    ("--trusted-host",),
    ("-r", "--requirement"),
    ("-c", "--constraint"),
    ("-e", "--editable"),
    ("--no-binary",),
    ("--only-binary",),
    ("--all-releases",),
    ("--only-final",),
    ("--use-feature",),
    ("--hash",),
    ("-C", "--config-settings", "--config-setting"),
)
_FLAGS = ("--no-index", "--prefer-binary", "--require-hashes", "--no-require-hashes", "--pre")


class LineError(Exception):
    """A line is not supported; the message says why."""


class Option(NamedTuple):
    """One option, by its long name."""

    name: str
    value: str = ""


def split_line(line: str) -> tuple[str, list[Option]]:
    """Return the text before the options of a line, and the options in order.

    Raises LineError.
    """
    words = line.split(" ")
    begin = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    options = " ".join(words[begin:])
    try:
        found, rest = _Parser().parse(shlex.split(options)) if options else ([], [])
    except ValueError as error:
        raise LineError(f"the options can't be split: {error}") from None
    if rest:
        raise LineError(f"'{rest[0][:80]}' stands behind an option, and is not supported there")
    return " ".join(words[:begin]), found


class _Parser(OptionParser):
    """Parser of pip's options in files, with pip's abbreviations and errors."""

    def __init__(self) -> None:
        super().__init__(add_help_option=False)
        self.values_in_order: list[Option] = []
        for names in _WITH_VALUE:
            self.add_option(*names, action="callback", type="string", callback=self._take)
        for name in _FLAGS:
            self.add_option(name, action="callback", callback=self._take)

    def parse(self, words: list[str]) -> tuple[list[Option], list[str]]:
        if "--" in words:
            self.error("'--' is not supported here")
        _, rest = self.parse_args(words, Values())
        return self.values_in_order, rest

    def error(self, msg: str) -> NoReturn:
        """Raise LineError; the library's own ends the program."""
        raise LineError(msg)

    def _take(self, option: Any, _shown: str, value: str | None, _parser: Any) -> None:
        name = option._long_opts[0]
        self.values_in_order.append(Option(name, value or ""))


class FormatChoice:
    """Which distributions are taken as wheel or as source only (pip, ``--no-binary``)."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {"--no-binary": set(), "--only-binary": set()}

    def take(self, option: Option) -> None:
        """Add an option; a later one wins. Raises LineError."""
        target = self._names[option.name]
        (other,) = (names for name, names in self._names.items() if name != option.name)
        for name in map(str.strip, option.value.split(",")):
            if name in {":all:", ":none:"}:
                target.clear()
            if name == ":all:":
                other.clear()
                target.add(name)
            elif name != ":none:":
                normalised = _normalise(name, option.name)
                other.discard(normalised)
                target.add(normalised)

    def names(self, option: str) -> tuple[str, ...]:
        """Return the names given to an option: normalised, sorted."""
        return tuple(sorted(self._names[option]))


def _normalise(name: str, option: str) -> str:
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName:
        raise LineError(
            f"{option} {name[:80]}: write names of distributions, :all: or :none:"
        ) from None


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
            f"{option[:40]} is not supported from a package: the server's settings say where "
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
            f"{kind} are not supported, only names that the package index knows: write "
            "NAME==VERSION, or put the module into the package's own folder"
        )
    if text.startswith((".", "/", "~", "\\")) or "/" in text or _ARCHIVE.search(text):
        return (
            "files and folders are not installed: write NAME==VERSION, or put the module into the "
            "package's own folder, where Python finds it"
        )
    return None
