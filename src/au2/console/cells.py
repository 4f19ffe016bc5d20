"""The values in tables, as text."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Document = Mapping[str, Any]
Columns = Mapping[str, Callable[[Document], object]]
"""Title → how to get the value out of a document."""


def columns(*titles: str, **named: str | Callable[[Document], object]) -> Columns:
    """Return columns: ``titles`` are fields' names too; ``named`` says field or function."""
    fields = {title: title for title in titles} | named
    return {title: _getter(source) for title, source in fields.items()}


def _getter(source: str | Callable[[Document], object]) -> Callable[[Document], object]:
    if not isinstance(source, str):
        return source
    return lambda document: document.get(source)


def format_cell(value: object) -> str:
    """Return ``value`` as the text of a table cell: None is nothing, objects are JSON."""
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
    """Return ``text`` with control characters written out: no name may steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode("ascii")
        for character in text.replace("\r\n", "\n").replace("\t", "    ")
    )
