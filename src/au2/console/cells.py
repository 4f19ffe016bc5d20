"""Table cells: columns of documents, and their values as text."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

Document = Mapping[str, Any]
Columns = Mapping[str, Callable[[Document], object]]
"""Title → getter of the value in a document."""

CHANGES: Final = ("created_at", "created_by", "updated_at", "updated_by")
"""Fields of records that users change."""


def columns(*titles: str, **named: str | Callable[[Document], object]) -> Columns:
    """Return columns: ``titles`` are fields' names too; ``named``: title → field or function."""
    fields = {title: title for title in titles} | named
    return {title: _getter(source) for title, source in fields.items()}


def _getter(source: str | Callable[[Document], object]) -> Callable[[Document], object]:
    if not isinstance(source, str):
        return source
    return lambda document: document.get(source)


def format_cell(value: object) -> str:
    """Return ``value`` as the text of a table cell: None is the empty text, objects are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return visible(", ".join(value))
    if isinstance(value, (dict, list)):
        return visible(json.dumps(value, ensure_ascii=False))
    return visible(str(value))


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
