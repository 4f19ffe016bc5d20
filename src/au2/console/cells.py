"""Table cells: columns of documents, and their values as text."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from au2.domain.wording import format_age, format_bytes, format_seconds

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TypeGuard

Document = Mapping[str, Any]
Getter = Callable[[Document], object]
Columns = Mapping[str, Getter]
"""Title → getter of the value in a document."""

CHANGES: Final = ("created_at", "created_by", "updated_at", "updated_by")
"""Fields of records that users change."""
_UNITS: Final[Mapping[str, Callable[[float], str]]] = {
    "_bytes": format_bytes,
    "_seconds": format_seconds,
}
"""Ending of a field's name → its text with a unit."""


class WideColumn:
    """A column of lists that only ``--wide``, and output that is no terminal, have."""

    def __init__(self, source: str | Getter) -> None:
        self._find = _getter(source)

    def __call__(self, document: Document) -> object:
        """Return the value."""
        return self._find(document)


def columns(*titles: str, **named: str | Getter) -> Columns:
    """Return columns: ``titles`` are fields' names too; ``named``: title → field or function.

    A field's name tells how its value is shown: ``_at`` is a time, ``_bytes`` a size, ``_seconds``
    a length of time. A function returns a datetime for a time.
    """
    fields = {title: title for title in titles} | named
    return {title: _getter(source) for title, source in fields.items()}


def _getter(source: str | Getter) -> Getter:
    if not isinstance(source, str):
        return source
    if source.endswith("_at"):
        return lambda document: _read_time(document.get(source))
    for ending, format_value in _UNITS.items():
        if source.endswith(ending):
            return lambda document: _with_unit(document.get(source), format_value)
    return lambda document: document.get(source)


def _read_time(value: object) -> object:
    """Return the datetime of RFC 3339 text, and any other value as it is."""
    from au2.domain.clock import parse_time  # datetime is not needed for help

    try:
        return parse_time(value) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        return value


def _with_unit(value: object, format_value: Callable[[float], str]) -> object:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return format_value(value) if is_number else value  # type: ignore[arg-type]


def format_cell(value: object, *, exact: bool = False) -> str:
    """Return ``value`` as the text of a table cell: None is the empty text, objects are JSON.

    Args:
        value: of the cell.
        exact: whether a time has its moment behind its distance from now.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_moment(value):
        return format_moment(value, exact=exact)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return visible(", ".join(value))
    if isinstance(value, (dict, list)):
        return visible(json.dumps(value, ensure_ascii=False))
    return visible(str(value))


def _is_moment(value: object) -> "TypeGuard[datetime]":
    # By an attribute: datetime is not needed for help.
    return hasattr(value, "astimezone")


def format_moment(moment: "datetime", *, exact: bool = False) -> str:
    """Return ``2 h ago``; if ``exact``, ``2 h ago (2026-11-30 20:06:39 UTC)``."""
    from au2.domain.clock import now  # datetime is not needed for help

    age = format_age(moment, now())
    return f"{age} ({moment:%Y-%m-%d %H:%M:%S} UTC)" if exact else age


def visible(text: str) -> str:
    """Return ``text`` with control characters written out, on which a terminal would act."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode("ascii")
        for character in text.replace("\r\n", "\n").replace("\t", "    ")
    )
