"""``.auignore``: rules in gitignore's grammar, with git's results for the same lines."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from au2.package.ignore.wildmatch import SPECIAL, Match, compile_any, escape, translate
from au2.package.text import read_limited, refuse

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_MOST_WILDCARDS: Final = 10_000
"""In one file: far more than anybody writes, and compiled within seconds."""
_KEPT_FILES: Final = 64
"""IgnoreRule files that are kept parsed: a package that is watched is looked at many times."""


class IgnoreRule(NamedTuple):
    """One line of a rule file."""

    is_negated: bool
    """It began with ``!``: what it matches is taken, whatever earlier lines say."""
    is_for_folders: bool
    """It ended with ``/``: it matches folders only."""
    is_for_names: bool
    """It has no other ``/``: it matches the last part of a path, at any depth."""
    literal: bytes | None
    """The name or path that it matches; None where it has a wildcard."""
    expression: bytes
    """The same as an expression; see :func:`au2.package.ignore.wildmatch.translate`."""


class IgnoreRules:
    """The rules of one file. Paths are bytes, relative to the file's folder."""

    def __init__(self, rules: Sequence[IgnoreRule]) -> None:
        self._rules = rules
        self._of_folders = _Matcher(rules, is_folder=True)
        self._of_files = _Matcher(rules, is_folder=False)

    def find(self, path: bytes, *, is_folder: bool) -> IgnoreRule | None:
        """Return the deciding rule: the last matching one.

        Callers ask from the top down: the result says nothing about an ignored folder's content.
        """
        matcher = self._of_folders if is_folder else self._of_files
        position = matcher.find(path)
        return None if position < 0 else self._rules[position]


class _Matcher:
    """Matcher of the last rule for entries of one kind, in one search for any number of rules."""

    def __init__(self, rules: Sequence[IgnoreRule], *, is_folder: bool) -> None:
        self._names: dict[bytes, int] = {}
        self._paths: dict[bytes, int] = {}
        wild_names: list[tuple[int, bytes]] = []
        wild_paths: list[tuple[int, bytes]] = []
        for position, rule in enumerate(rules):
            if rule.is_for_folders and not is_folder:
                continue
            if rule.literal is not None:
                (self._names if rule.is_for_names else self._paths)[rule.literal] = position
            else:
                wild = wild_names if rule.is_for_names else wild_paths
                wild.append((position, rule.expression))
        self._wild_names = _LastOf(wild_names)
        self._wild_paths = _LastOf(wild_paths)

    def find(self, path: bytes) -> int:
        name = path[path.rfind(b"/") + 1 :]
        return max(
            self._names.get(name, -1),
            self._paths.get(path, -1),
            self._wild_names.find(name),
            self._wild_paths.find(path),
        )


class _LastOf:
    def __init__(self, expressions: list[tuple[int, bytes]]) -> None:
        expressions = expressions[::-1]
        self._positions = [position for position, _ in expressions]
        self._match: Match | None = None
        if expressions:
            self._match = compile_any([expression for _, expression in expressions])

    def find(self, text: bytes) -> int:
        """Return the greatest position whose expression matches, -1 if none does."""
        found = None if self._match is None else self._match(text)
        return -1 if found is None else self._positions[(found.lastindex or 0) - 1]


@lru_cache(maxsize=_KEPT_FILES)
def parse_rules(data: bytes) -> IgnoreRules:
    """Return the rules in the bytes of a rule file. Every file is one: odd lines match nothing."""
    lines = data.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    return IgnoreRules(tuple(_parse_lines(lines)))


def read_rules(path: Path, name: str) -> IgnoreRules:
    """Return the rules of the file at ``path``, called ``name`` in messages.

    Raises:
        InvalidPackage: unreadable, too large, or UTF-16, of which no line would match.
    """
    try:
        data = read_limited(path, name)
    except OSError as error:
        refuse(f"the file can't be read: {error.strerror}", name)
    if data.startswith(_UTF_16):
        refuse("the file is UTF-16, so no rule in it would match: save it as UTF-8", name)
    if sum(map(data.count, (b"*", b"?", b"["))) > _MOST_WILDCARDS:
        refuse(f"the file has more than {_MOST_WILDCARDS} wildcards", name)
    return parse_rules(data)


def _parse_lines(lines: Iterable[bytes]) -> Iterable[IgnoreRule]:
    for line in lines:
        if line.startswith(b"#"):
            continue
        # git takes lines for C strings, which end at a NUL.
        text = line.removesuffix(b"\r").partition(b"\0")[0]
        rule = _parse_rule(_without_trailing_spaces(text))
        if rule is not None:
            yield rule


def _without_trailing_spaces(line: bytes) -> bytes:
    """Drop spaces, and only spaces, at the end; a space after a backslash stays."""
    text = line.rstrip(b" ")
    if len(text) < len(line) and _ends_with_escape(text):
        text += b" "
    return text


def _ends_with_escape(text: bytes) -> bool:
    """Whether the text ends with an odd number of backslashes."""
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1


def _parse_rule(line: bytes) -> IgnoreRule | None:
    pattern = line.removeprefix(b"!")
    is_negated = len(pattern) < len(line)
    is_for_folders = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    is_for_names = b"/" not in pattern
    pattern = pattern.removeprefix(b"/")
    if not pattern:
        return None
    # git compares what stands before the first wildcard by itself and takes the rest for a pattern:
    # so `**` is at a boundary there, whatever stands before it (`a**/b` matches `ab`).
    length = next((at for at, byte in enumerate(pattern) if byte in SPECIAL), len(pattern))
    literal, rest = pattern[:length], pattern[length:]
    expression = translate(pattern) if is_for_names else escape(literal) + translate(rest)
    return IgnoreRule(
        is_negated, is_for_folders, is_for_names, None if rest else literal, expression
    )
