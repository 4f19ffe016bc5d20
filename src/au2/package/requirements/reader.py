"""Reader of ``requirements.txt``: the required distributions, unresolved.

Only names and versions are allowed (PEP 508 without URLs). The operator chooses the index, so
a build reaches nothing but the operator's index.
"""

import re
from collections.abc import Callable

from packaging.utils import canonicalize_name

from au2.domain.errors import Detail, InvalidPackage
from au2.package import names
from au2.package.requirements import Requirement, Requirements
from au2.package.requirements.lines import (
    FormatChoice,
    LineError,
    LogicalLine,
    Option,
    find_path,
    find_refusal,
    logical_lines,
    split_line,
)
from au2.package.requirements.requirement import RequirementError, parse_requirement

_MOST_LINES = 5_000
_MOST_FILES = 50

_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_INCLUDES = ("--requirement", "--constraint")
_FORMATS = ("--no-binary", "--only-binary")
_FLAGS = frozenset({"--pre", "--require-hashes", "--prefer-binary"})

ReadText = Callable[[str], str | None]
"""Text of a file of the package by its path; None: there is no such file."""


def parse_requirements(
    text: str, file: str = names.PYTHON_DEPENDENCIES, read: ReadText = lambda _: None
) -> Requirements:
    """Return the requirements.

    Args:
        text: content of ``file``.
        file: its path in the package.
        read: returns the text of files included by ``-r`` and ``-c``.

    Raises:
        InvalidPackage: with all refused lines.
    """
    reader = _Reader(read)
    reader.take(text, file, as_constraints=False)
    reader.check_hashes()
    if reader.errors:
        raise InvalidPackage(details=reader.errors)
    return reader.found()


class _Reader:
    """Reader of a file and its included files, with a list of errors."""

    def __init__(self, read: ReadText) -> None:
        self.errors: list[Detail] = []
        self._read = read
        self._lines = 0
        self._taken: set[tuple[str, bool]] = set()
        self._asked: dict[bool, list[tuple[Requirement, LogicalLine]]] = {False: [], True: []}
        self._formats = FormatChoice()
        self._flags: set[str] = set()

    def found(self) -> Requirements:
        return Requirements(
            requirements=tuple(asked for asked, _ in self._asked[False]),
            constraints=tuple(asked for asked, _ in self._asked[True]),
            no_binary=self._formats.names("--no-binary"),
            only_binary=self._formats.names("--only-binary"),
            prereleases="--pre" in self._flags,
            require_hashes="--require-hashes" in self._flags,
        )

    def check_hashes(self) -> None:
        if "--require-hashes" in self._flags:
            for asked, line in self._asked[False]:
                if not asked.hashes:
                    self._add(line, f"'{asked.name}' has no --hash, and --require-hashes is given")

    def take(self, text: str, file: str, *, as_constraints: bool) -> None:
        self._taken.add((file, as_constraints))
        for line in logical_lines(text, file):
            self._lines += 1
            if self._lines > _MOST_LINES:
                self._add(line, f"more than {_MOST_LINES} lines")
                return
            self._take_line(line, as_constraints=as_constraints)

    def _take_line(self, line: LogicalLine, *, as_constraints: bool) -> None:
        refusal = find_refusal(line.text)
        if refusal is not None:
            self._add(line, refusal)
            return
        try:
            asked, options = split_line(line.text)
            if asked:
                found = _make_requirement(asked, options)
                self._asked[as_constraints].append((found, line))
            elif any(option.name in _INCLUDES for option in options):
                self._include(line, options)
            else:
                for option in options:
                    self._take_option(option)
        except LineError as error:
            self._add(line, str(error))

    def _take_option(self, option: Option) -> None:
        if option.name in _FORMATS:
            self._formats.take(option)
        elif option.name in _FLAGS:
            self._flags.add(option.name)
        else:
            raise LineError(f"the option {option.name} is not supported here")

    def _include(self, line: LogicalLine, options: list[Option]) -> None:
        if len(options) > 1:
            # pip takes the first and drops the others in silence.
            raise LineError("-r FILE and -c FILE stand on a line of their own")
        name, value = options[0]
        path = find_path(line.file, value)
        as_constraints = name == "--constraint"
        hint = ": write / between folders, not \\" if "\\" in line.text else ""
        if path is None:
            raise LineError(f"'{value[:80]}' is not inside the package{hint}")
        if (path, as_constraints) in self._taken:
            return
        if len(self._taken) >= _MOST_FILES:
            raise LineError(f"more than {_MOST_FILES} files are included")
        try:
            text = self._read(path)
        except InvalidPackage as error:
            self.errors.extend(error.details)
            return
        if text is None:
            raise LineError(f"there is no file '{path[:80]}' in the package{hint}")
        self.take(text, path, as_constraints=as_constraints)

    def _add(self, line: LogicalLine, message: str) -> None:
        self.errors.append(Detail(message, file=line.file, line=line.number))


def _make_requirement(text: str, options: list[Option]) -> Requirement:
    for option in options:
        if option.name != "--hash":
            raise LineError(f"the option {option.name} is not supported behind a requirement")
        if not _SHA256.fullmatch(option.value):
            value = option.value[:80]
            raise LineError(f"'{value}' is no hash: write --hash=sha256:… in hexadecimal")
    try:
        found = parse_requirement(text)
    except RequirementError as error:
        raise LineError(f"'{text[:80]}' is no requirement: {error}") from None
    hashes = tuple(option.value for option in options)
    return Requirement(canonicalize_name(found.name), str(found), hashes)
