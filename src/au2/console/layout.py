"""Widths of table columns on a terminal: ids stay whole, text folds at words.

Where a table is too wide, these follow one after another until it fits: text folds at words, to 12
characters; digests are cut to their first digits; long words break; ids that refer to other
objects (the second column of GUIDs and those after it) are cut. The first id and numbers stay
whole: a table with more of these than fit is as wide as it must be.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

_TEXT_CHARACTERS: Final = 12
"""Text is folded to no less, as long as anything else can give way."""
_LEAST_CHARACTERS: Final = 6
_DIGEST: Final = re.compile(r"\b(sha256:[0-9a-f]{10}|sha512:[0-9a-f]{10})[0-9a-f]{54,118}\b")
_GUID: Final = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_WHOLE: Final = re.compile(rf"{_GUID.pattern}|\b[0-9]+\b")
"""Words that are never folded: GUIDs and numbers."""
_BORDER_CHARACTERS: Final = 3
"""Of each column: its left border and two blanks."""


class Layout(NamedTuple):
    """Texts of a table, column by column, and the width of each column in characters."""

    columns: list[list[str]]
    widths: list[int]


def fit_columns(columns: Sequence[Sequence[str]], width: int) -> Layout:
    """Return the columns, with their titles as the first text of each, for ``width`` characters."""
    texts = [list(column) for column in columns]
    available = width - _BORDER_CHARACTERS * len(texts) - 1
    for change, least in _steps():
        texts = change(texts)
        natural = [max(map(_width_of, column), default=0) for column in texts]
        floors = [_floor(column, most, least) for column, most in zip(texts, natural, strict=True)]
        widths = _shrink(natural, floors, available)
        if sum(widths) <= available:
            break
    return Layout(texts, widths)


class _Least(NamedTuple):
    """Width down to which a column folds: that of its longest ``word``, or ``most`` if less."""

    word: re.Pattern[str]
    characters: int


_ANY_WORD: Final = re.compile(r"\S+")
_Texts = list[list[str]]


def _steps() -> list[tuple[Callable[[_Texts], _Texts], _Least]]:
    by_words = _Least(_ANY_WORD, _TEXT_CHARACTERS)
    anywhere = _Least(_WHOLE, _TEXT_CHARACTERS)
    return [
        (lambda texts: texts, by_words),
        (_cut_digests, by_words),
        (lambda texts: texts, anywhere),
        (_cut_references, by_words),
        (lambda texts: texts, anywhere),
        (lambda texts: texts, _Least(_WHOLE, _LEAST_CHARACTERS)),
    ]


def _width_of(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


def _floor(column: Sequence[str], natural: int, least: _Least) -> int:
    words = [cell_len(found[0]) for text in column for found in least.word.finditer(text)]
    return min(natural, max([*words, least.characters]))


def _shrink(natural: Sequence[int], floors: Sequence[int], available: int) -> list[int]:
    """Return the widths with the widest columns narrowed until the sum fits, or all floors."""
    widths = [max(floor, min(most, available)) for most, floor in zip(natural, floors, strict=True)]
    while sum(widths) > available:
        loose = [number for number, floor in enumerate(floors) if widths[number] > floor]
        if not loose:
            break
        widths[max(loose, key=widths.__getitem__)] -= 1
    return widths


def _cut_digests(texts: _Texts) -> _Texts:
    return [[_DIGEST.sub(r"\1…", text) for text in column] for column in texts]


def _cut_references(texts: _Texts) -> _Texts:
    """Cut the GUIDs of all columns but the first that has some."""
    with_ids = [number for number, column in enumerate(texts) if any(map(_GUID.search, column))]
    return [
        [_GUID.sub(r"\1…", text) for text in column] if number in with_ids[1:] else column
        for number, column in enumerate(texts)
    ]
