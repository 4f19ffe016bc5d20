"""Patterns of gitignore as regular expressions over bytes: ``*``, ``?``, ``[…]``, ``**``.

Follows gitignore(5) and git 2.39; ``tests/unit/package/test_ignore_beside_git.py`` compares with
git. Names are bytes, as in git: a character outside ASCII is several bytes.

Atomic groups keep hostile patterns from backtracking (``*a*a*a…b``): within one component of a
path, the leftmost match between two stars leaves the most for the rest, and so does the leftmost
match between two ``**``. No later part can need another match.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

SPECIAL: Final = frozenset(b"*?[\\")
"""Bytes that mean more than themselves."""
NEVER: Final = b"(?!)"
"""An expression that nothing matches."""

_SLASH: Final = ord("/")
_BACKSLASH: Final = ord("\\")
_STAR: Final = ord("*")
_QUESTION_MARK: Final = ord("?")
_OPEN: Final = ord("[")
_CLOSE: Final = ord("]")
_HYPHEN: Final = ord("-")

_PUNCTUATION: Final = frozenset(b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_UPPER: Final = frozenset(range(ord("A"), ord("Z") + 1))
_LOWER: Final = frozenset(range(ord("a"), ord("z") + 1))
_DIGIT: Final = frozenset(b"0123456789")
_CLASSES: Final[Mapping[bytes, frozenset[int]]] = {
    b"alnum": _UPPER | _LOWER | _DIGIT,
    b"alpha": _UPPER | _LOWER,
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset({*range(1, 32), 127}),
    b"digit": _DIGIT,
    b"graph": frozenset(range(33, 127)),
    b"lower": _LOWER,
    b"print": frozenset(range(32, 127)),
    b"punct": _PUNCTUATION,
    b"space": frozenset(b" \t\n\r"),
    b"upper": _UPPER,
    b"xdigit": frozenset(b"0123456789abcdefABCDEF"),
}
"""The classes of POSIX, as git has them: of ASCII only, and neither form feed nor vertical tab is
a space."""


def escape(text: bytes) -> bytes:
    """Return the expression for the literal ``text``."""
    return re.escape(text)


class _NeverMatches(Exception):
    """The pattern is malformed: by gitignore(5) such a pattern matches nothing."""


def translate(pattern: bytes) -> bytes:
    """Return the expression for the names or paths matched by ``pattern``.

    For ``re.match`` from the first byte, with ``re.DOTALL``; the expression holds its own end and
    has no capturing group. :data:`NEVER` for a malformed pattern.

    Args:
        pattern: without the ``!``, leading ``/`` and trailing ``/`` of a rule. ``**`` at its very
            beginning stands at a boundary.
    """
    try:
        return _Translation(pattern).run()
    except _NeverMatches:
        return NEVER


class _Translation:
    """Translation of one pattern.

    ``_component`` is the present component of the path so far, split at stars; ``_chain`` the
    finished components since the last ``**``, ``_done`` everything before.
    """

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._at = 0
        self._component: list[bytes] = [b""]
        self._chain = b""
        self._open = b""
        """What the last ``**`` may swallow, empty before the first one."""
        self._done = b""

    def run(self) -> bytes:
        while self._at < len(self._pattern):
            byte = self._pattern[self._at]
            if byte == _STAR:
                if self._read_stars():
                    return self._done + self._open + self._chain + rb".*\Z"
            elif byte == _SLASH:
                self._at += 1
                self._end_component(b"/")
            else:
                self._component[-1] += self._read_one(byte)
        self._end_component(rb"\Z")
        return self._done + self._open + self._chain

    def _read_one(self, byte: int) -> bytes:
        """Return the expression for one byte, and step over its pattern."""
        self._at += 1
        if byte == _QUESTION_MARK:
            return b"[^/]"
        if byte == _OPEN:
            allowed, self._at = _read_set(self._pattern, self._at)
            return _format_set(allowed)
        if byte == _BACKSLASH:
            byte = _byte_at(self._pattern, self._at)
            self._at += 1
        return escape(bytes((byte,)))

    def _read_stars(self) -> bool:
        """Take a run of stars; return whether a final ``**`` covers all the rest."""
        before = self._pattern[: self._at]
        rest = self._pattern[self._at :].lstrip(b"*")
        stars = len(self._pattern) - self._at - len(rest)
        self._at += stars
        is_boundary = before[-1:] in {b"", b"/"} and (rest[:1] in {b"", b"/"} or rest[:2] == b"\\/")
        if stars == 1 or not is_boundary:
            self._component.append(b"")
            return False
        self._end_component(b"")  # It holds something only if the slash before was escaped.
        if not rest:
            return True
        # Before an escaped slash it swallows one folder at least.
        is_escaped = rest[:1] == b"\\"
        self._at += 2 if is_escaped else 1
        self._begin_chain(b"(?:[^/]*/)+?" if is_escaped else b"(?:[^/]*/)*?")
        return False

    def _begin_chain(self, opening: bytes) -> None:
        finished = self._open + self._chain
        self._done += b"(?>" + finished + b")" if self._open else finished
        self._open, self._chain = opening, b""

    def _end_component(self, end: bytes) -> None:
        """Move the component into the chain; its match ends at ``end`` only."""
        first, *others = self._component
        self._component = [b""]
        if not others:
            self._chain += first + end
            return
        *middle, last = others
        pieces = b"".join(b"(?>[^/]*?" + piece + b")" for piece in middle)
        self._chain += b"(?>" + first + pieces + b"[^/]*" + last + end + b")"


def _byte_at(pattern: bytes, at: int) -> int:
    if at >= len(pattern):
        raise _NeverMatches
    return pattern[at]


def _read_set(pattern: bytes, at: int) -> tuple[frozenset[int], int]:
    """Return the bytes allowed by the set after ``[`` at ``at``, and the index behind the set."""
    is_negated = _byte_at(pattern, at) in b"!^"
    at += is_negated
    found: set[int] = set()
    previous = 0
    is_first = True
    while (byte := _byte_at(pattern, at)) != _CLOSE or is_first:
        is_first = False
        follows = pattern[at + 1 : at + 2]
        if byte == _HYPHEN and previous and follows not in {b"", b"]"}:
            last, at = _read_member(pattern, at + 1)
            found.update(range(previous, last + 1))
            previous = 0
        elif byte == _OPEN and follows == b":" and (named := _read_class(pattern, at)):
            members, at = named
            found |= members
            previous = 0
        else:
            previous, at = _read_member(pattern, at)
            found.add(previous)
    allowed = frozenset(range(1, 256)) - found if is_negated else found
    return frozenset(allowed) - {_SLASH}, at + 1


def _read_member(pattern: bytes, at: int) -> tuple[int, int]:
    """Return the byte at ``at``, escaped or not, and where the set goes on."""
    if pattern[at] == _BACKSLASH:
        at += 1
    return _byte_at(pattern, at), at + 1


def _read_class(pattern: bytes, at: int) -> tuple[frozenset[int], int] | None:
    """Return the class ``[:NAME:]`` at ``at`` and the index behind, or None."""
    end = pattern.find(b"]", at + 2)
    if end < 0:
        raise _NeverMatches
    name = pattern[at + 2 : end]
    if not name.endswith(b":"):
        return None
    try:
        return _CLASSES[name[:-1]], end + 1
    except KeyError:
        raise _NeverMatches from None


def _format_set(allowed: frozenset[int]) -> bytes:
    if not allowed:
        return NEVER
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(allowed)) + b"]"


Match = Callable[[bytes], re.Match[bytes] | None]
"""Whether a name or path matches; its ``lastindex`` tells which of several patterns did."""


def compile_any(expressions: list[bytes]) -> Match:
    """Return a search for the first matching one of ``expressions``, by ``lastindex``.

    One expression for all of them: a tree of many thousand files asks once per file.
    """
    return re.compile(b"|".join(b"(%b)" % part for part in expressions), re.DOTALL).match
