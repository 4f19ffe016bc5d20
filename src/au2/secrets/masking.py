"""Masking of secrets in the output of programs, independent of its division into parts.

Within a line every occurrence of every form of a value (:mod:`.encodings`) is masked, overlapping
ones too, and each masked stretch is shown as ``***``.
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
"""Start and end offset."""


class Masker:
    """Masker of a set of values. Immutable, so threads may share one."""

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
        """Whether any value has a form to mask."""
        return bool(self._forms)

    def is_in(self, data: bytes) -> bool:
        """Whether ``data`` has a stretch to mask."""
        return any(form in data for form in self._forms)

    def mask(self, data: bytes) -> bytes:
        """Return whole lines, masked."""
        return cut_out(data, self.find(data))

    def mask_text(self, text: str) -> str:
        """Return a text, masked."""
        data = text.encode(errors="surrogatepass")
        return self.mask(data).decode(errors="replace") if self.is_in(data) else text

    def mask_value(self, value: Any) -> Any:
        """Return a JSON value with masked texts and names.

        A number is masked if the whole of it is a secret value.
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
        """Return the stretches to mask, in order, none touching another."""
        # For small data, one search for the heads of all forms is faster than one per form.
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
        """Return the start of a possible form that continues after ``data``; else its length."""
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
    """Masker of consecutive lines, each in any number of parts.

    Only an end that may be the start of a form is held. The output for a line depends on the line
    alone, not on its division.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._kept = b""
        self._covered = 0
        """Length of the masked start of the held bytes, by a form that began before."""
        self._after_mask = False
        """Whether the last released byte was masked, so that an adjacent stretch needs no mask."""

    @property
    def is_idle(self) -> bool:
        """Whether earlier parts have no influence on the next one."""
        return not (self._kept or self._after_mask)

    def feed(self, piece: bytes, *, is_end: bool) -> bytes:
        """Return the bytes to release: all, if the line ends with ``piece``."""
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
    """Return the stretches in order, overlapping or touching ones joined, without empty ones."""
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
    """Return ``data`` with a mask in place of each stretch.

    ``after_mask``: the preceding bytes end with a mask, which includes a stretch at 0.
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
    """Return a pattern for any of the heads, all of one length, as a tree of first bytes.

    A plain alternation would try each head at every offset.
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
        # The last occurrence that begins inside or right behind extends the stretch. A text of one
        # repeated character then takes no more steps than forms fit into it.
        while (further := data.rfind(form, last + 1, end + len(form))) >= 0:
            last, end = further, further + len(form)
        yield start, end
        start = data.find(form, end)


def _find_beginning(data: bytes, form: bytes) -> int:
    """Return the offset of a head of ``form`` that may continue after ``data``."""
    length = len(data)
    head = form[:_HEAD_BYTES]
    start = data.find(head, max(0, length - len(form) + 1))
    while start >= 0:
        if _continues(data, start, form):
            return start
        start = data.find(head, start + 1)
    return length


def _continues(data: bytes, start: int, form: bytes) -> bool:
    """Whether ``form`` starts with all of ``data`` from ``start`` on."""
    size = len(data) - start
    tail = min(size, _TAIL_BYTES)
    # Most candidates differ at their end, which is compared first.
    return data.endswith(form[size - tail : size]) and form.startswith(data[start:])
