"""``requirements.txt``: which Python packages a package asks for, as plain text (no resolving).

Only names and versions are taken (PEP 508 without URLs). Where packages come from is the operator's
to say, so that a build reaches the package index and nothing else.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from au2.domain.errors import Detail, InvalidPackage
from au2.package import names
from au2.package.requirement_lines import LogicalLine, find_path, find_refusal, logical_lines

_MOST_LINES = 5_000
_MOST_FILES = 50

_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?=$|[\[(<>=!~;,\s])")
_CLAUSE = r"(?:===|[~=!<>]=|[<>]) ?[^ ,;()~=!<>]+"
_FORM = re.compile(
    rf"[A-Za-z0-9._-]+ ?(?:\[[A-Za-z0-9._, -]*\])? ?\(?(?:{_CLAUSE}(?: ?, ?{_CLAUSE})* ?,?)? ?\)?"
)
"""PEP 508 without URL and marker, spaces made one."""
_HASH = re.compile(r"\s--hash(?:=|\s+)(\S+)")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")

ReadText = Callable[[str], str | None]
"""Text of a file of the package by its path; None: there is no such file."""


class Requirement(NamedTuple):
    """One thing asked for."""

    name: str
    """Normalised (PEP 503)."""
    text: str
    """As written, on one line, without comment and hashes."""
    hashes: tuple[str, ...] = ()
    """``sha256:…`` of the files that may be taken; empty: any."""


class Requirements(NamedTuple):
    """All that the file says, with the files that it includes."""

    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    no_binary: tuple[str, ...] = ()
    """Names that must be built from source, or ``:all:``."""
    only_binary: tuple[str, ...] = ()
    prereleases: bool = False
    require_hashes: bool = False


def normalise_name(name: str) -> str:
    """Return a distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirements(
    text: str, file: str = names.PYTHON_DEPENDENCIES, read: ReadText = lambda _: None
) -> Requirements:
    """Return what is asked for.

    Args:
        text: content of ``file``.
        file: its path in the package.
        read: gives the text of files that it includes by ``-r`` and ``-c``.

    Raises:
        InvalidPackage: with every refused line.
    """
    reader = _Reader(read)
    reader.take(text, file, as_constraints=False)
    found = reader.found()
    if found.require_hashes:
        reader.mistakes += [
            Detail(f"'{asked.name}' has no --hash, though --require-hashes is given", file=file)
            for asked in found.requirements
            if not asked.hashes
        ]
    if reader.mistakes:
        raise InvalidPackage(details=reader.mistakes)
    return found


class _Reader:
    """Reads a file and those that it includes, gathering mistakes."""

    def __init__(self, read: ReadText) -> None:
        self.mistakes: list[Detail] = []
        self._read = read
        self._lines = 0
        self._taken: set[tuple[str, bool]] = set()
        self._asked: dict[bool, list[Requirement]] = {False: [], True: []}
        self._options: dict[str, list[str]] = {"--no-binary": [], "--only-binary": []}
        self._flags: set[str] = set()

    def found(self) -> Requirements:
        return Requirements(
            requirements=tuple(self._asked[False]),
            constraints=tuple(self._asked[True]),
            no_binary=tuple(self._options["--no-binary"]),
            only_binary=tuple(self._options["--only-binary"]),
            prereleases="--pre" in self._flags,
            require_hashes="--require-hashes" in self._flags,
        )

    def take(self, text: str, file: str, *, as_constraints: bool) -> None:
        """Read one file."""
        self._taken.add((file, as_constraints))
        for line in logical_lines(text, file):
            self._lines += 1
            if self._lines > _MOST_LINES:
                self._add(line, f"more than {_MOST_LINES} lines")
                return
            refusal = find_refusal(line.text)
            if refusal is not None:
                self._add(line, refusal)
            elif line.text.startswith("-"):
                self._take_option(line, as_constraints=as_constraints)
            else:
                self._take_requirement(line, as_constraints=as_constraints)

    def _take_requirement(self, line: LogicalLine, *, as_constraints: bool) -> None:
        name = _NAME.match(line.text)
        hashes = tuple(_HASH.findall(line.text))
        text = " ".join(_HASH.sub("", line.text).split())
        if name is None:
            self._add(line, f"'{line.text[:80]}' is no requirement: write NAME or NAME==VERSION")
        elif " --" in text:
            option = text[text.index(" --") + 1 :].split()[0]
            self._add(line, f"the option {option[:40]} is not taken here")
        elif wrong := [value for value in hashes if not _SHA256.fullmatch(value)]:
            self._add(line, f"'{wrong[0][:80]}' is no hash: write --hash=sha256:… in hexadecimal")
        elif not _FORM.fullmatch(text.partition(";")[0].strip()):
            self._add(line, f"'{text[:80]}' is no requirement: write NAME or NAME==VERSION")
        else:
            asked = Requirement(normalise_name(name[1]), text, hashes)
            self._asked[as_constraints].append(asked)

    def _take_option(self, line: LogicalLine, *, as_constraints: bool) -> None:
        option, value = _split_option(line.text)
        if option in {"-r", "--requirement", "-c", "--constraint"}:
            self._include(line, value, as_constraints=as_constraints or "-c" in option)
        elif option in self._options and value:
            self._options[option] += sorted(_binary_names(value))
        elif option in {"--pre", "--require-hashes", "--prefer-binary"} and not value:
            self._flags.add(option)
        else:
            self._add(line, f"the option {option[:40]} is not taken here")

    def _include(self, line: LogicalLine, value: str, *, as_constraints: bool) -> None:
        path = find_path(line.file, value)
        if path is None:
            self._add(line, f"'{value[:80]}' is not inside the package")
            return
        if (path, as_constraints) in self._taken:
            return
        if len(self._taken) >= _MOST_FILES:
            self._add(line, f"more than {_MOST_FILES} files are included")
            return
        try:
            text = self._read(path)
        except InvalidPackage as error:
            self.mistakes.extend(error.details)
            return
        if text is None:
            self._add(line, f"there is no file '{path[:80]}' in the package")
            return
        self.take(text, path, as_constraints=as_constraints)

    def _add(self, line: LogicalLine, message: str) -> None:
        self.mistakes.append(Detail(message, file=line.file, line=line.number))


def _split_option(text: str) -> tuple[str, str]:
    """Return an option and its value, in any of the forms that pip takes."""
    if not text.startswith("--"):
        return text[:2], text[2:].strip().removeprefix("=").strip()
    option, _, value = re.sub(r"\s+|=", " ", text, count=1).partition(" ")
    return option, value.strip()


def _binary_names(value: str) -> Iterator[str]:
    for name in value.split(","):
        yield name.strip() if name.strip().startswith(":") else normalise_name(name.strip())
