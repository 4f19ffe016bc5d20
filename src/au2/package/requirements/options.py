"""Options in a ``requirements.txt``, split and parsed as in pip: by shlex and optparse."""

import shlex
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
    """A line is not taken; the message says why."""


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
        raise LineError(f"'{rest[0][:80]}' stands behind an option, and is not taken there")
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
        """Return the options, and the other words."""
        if "--" in words:
            self.error("'--' is not taken here")
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
