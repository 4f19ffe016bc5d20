"""Covering secrets in what a program prints, however it arrives in pieces.

Within a line every occurrence of every form of a value (:mod:`.encodings`) is covered, overlapping
ones too, and each covered stretch is shown as ``***``.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from au2.secrets.encodings import find_forms

MASK = b"***"
_HEAD_BYTES = 4
_TAIL_BYTES = 16
_SMALL_BYTES = 16 << 10

Stretch = tuple[int, int]
"""Where something begins and where it has ended."""


class Masker:
    """Knows what to look for. Immutable, so any number of threads may share one."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = tuple(sorted({form for value in values for form in find_forms(value)}))
        self._by_head: dict[bytes, list[bytes]] = {}
        for form in self._forms:
            self._by_head.setdefault(form[:_HEAD_BYTES], []).append(form)
        heads = self._by_head.keys()
        self._heads = re.compile(_any_of(heads))
        self._beginnings = {head[:size] for head in heads for size in range(1, _HEAD_BYTES)}
        self._longest = max(map(len, self._forms), default=0)

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._forms)

    def is_in(self, data: bytes) -> bool:
        """Whether there is anything to cover in ``data``."""
        return any(form in data for form in self._forms)

    def mask(self, data: bytes) -> bytes:
        """Return whole lines with everything covered."""
        return cut_out(data, self.find(data))

    def mask_text(self, text: str) -> str:
        """Return a text with everything covered."""
        data = text.encode(errors="surrogatepass")
        return self.mask(data).decode(errors="replace") if self.is_in(data) else text

    def mask_value(self, value: Any) -> Any:
        """Return a JSON value with everything covered in its texts and names.

        A number is covered if all of it is a value.
        """
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, dict):
            return {self.mask_text(name): self.mask_value(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.mask_value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._mask_number(value)
        return value

    def _mask_number(self, value: float) -> Any:
        if not self._forms:
            return value
        texts = {json.dumps(value)}
        if isinstance(value, float) and value.is_integer():
            texts.add(str(int(value)))
        covered = any(self.mask(text.encode()) == MASK for text in texts)
        return MASK.decode() if covered else value

    def find(self, data: bytes) -> list[Stretch]:
        """Return what to cover: in order, and none touches another."""
        # One look for how any of them begins, as long as that is quicker than one for each.
        forms: Iterable[bytes] = self._forms
        if len(data) < _SMALL_BYTES:
            if not self._heads.search(data):
                return []
            present = {data[at : at + _HEAD_BYTES] for at in range(len(data))}
            forms = (
                form for head in present & self._by_head.keys() for form in self._by_head[head]
            )
        return join(stretch for form in forms for stretch in _find(data, form))

    def find_beginning(self, data: bytes) -> int:
        """Return where something may have begun that goes on after ``data``; else its length."""
        length = len(data)
        if self._heads.search(data, max(0, length - self._longest + 1)):
            starts = (_find_beginning(data, form) for form in self._forms)
            found = min(starts, default=length)
            if found < length:
                return found
        for size in range(min(_HEAD_BYTES - 1, length), 0, -1):
            if data[length - size :] in self._beginnings:
                return length - size
        return length


class LineMasker:
    """Masks one line after another, each in any number of pieces.

    What is kept back is only an end that may be the beginning of something to cover. What comes out
    for a line hangs on the line alone, and not on how it was cut.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._kept = b""
        self._covered = 0
        """How much at the beginning of what is kept is covered by what began before it."""
        self._after_mask = False
        """Whether the last byte let go was covered: then what touches it needs no other mask."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing that came before matters to what comes next."""
        return not (self._kept or self._after_mask)

    def feed(self, piece: bytes, *, is_end: bool) -> bytes:
        """Return what can be let go now: everything, if the line ends with ``piece``."""
        data = self._kept + piece
        stretches = join([(0, self._covered), *self._masker.find(data)])
        stop = len(data) if is_end else self._masker.find_beginning(data)
        before = [(start, min(end, stop)) for start, end in stretches if start < stop]
        shown = cut_out(data[:stop], before, after_mask=self._after_mask)
        if is_end:
            self._kept, self._covered, self._after_mask = b"", 0, False
            return shown
        if stop:
            self._after_mask = bool(before) and before[-1][1] == stop
        self._kept = data[stop:]
        self._covered = max((end - stop for start, end in stretches if start <= stop), default=0)
        self._covered = max(self._covered, 0)
        return shown


def join(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the same stretches in order, those that overlap or touch as one; empty ones go."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if start == end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def cut_out(data: bytes, stretches: Sequence[Stretch], *, after_mask: bool = False) -> bytes:
    """Return ``data`` with a mask in the place of each stretch.

    ``after_mask``: what comes directly before ends with one, which a stretch at 0 belongs to.
    """
    shown: list[bytes] = []
    position = 0
    for start, end in stretches:
        shown.append(data[position:start])
        if start > 0 or not after_mask:
            shown.append(MASK)
        position = end
    shown.append(data[position:])
    return b"".join(shown)


def _any_of(heads: Iterable[bytes]) -> bytes:
    """Return a pattern for any of these, which are of one length: as a tree by their first bytes.

    As a plain list each would be tried at every place.
    """
    rests: dict[bytes, set[bytes]] = {}
    for head in heads:
        if head:
            rests.setdefault(head[:1], set()).add(head[1:])
    branches = [re.escape(first) + _any_of(rests[first]) for first in sorted(rests)]
    return b"(?:" + b"|".join(branches) + b")" if branches else b""


def _find(data: bytes, form: bytes) -> Iterable[Stretch]:
    start = data.find(form)
    while start >= 0:
        end = start + len(form)
        last = start
        # The last one that begins inside or right behind lengthens the stretch: so even a text of
        # one repeated character takes no more steps than forms fit into it.
        while (further := data.rfind(form, last + 1, end + len(form))) >= 0:
            last, end = further, further + len(form)
        yield start, end
        start = data.find(form, end)


def _find_beginning(data: bytes, form: bytes) -> int:
    """Return where the whole head of ``form`` stands and it may go on after ``data``."""
    length = len(data)
    head = form[:_HEAD_BYTES]
    start = data.find(head, max(0, length - len(form) + 1))
    while start >= 0:
        if _continues(data, start, form):
            return start
        start = data.find(head, start + 1)
    return length


def _continues(data: bytes, start: int, form: bytes) -> bool:
    """Whether ``form`` begins with all of ``data`` from ``start`` on."""
    size = len(data) - start
    tail = min(size, _TAIL_BYTES)
    # Most that begin alike end otherwise: that is seen without comparing all between.
    return data.endswith(form[size - tail : size]) and form.startswith(data[start:])
