"""Values, names and types as text in messages: short, and never a secret."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from au2.domain.wording import count_of

_SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 10
_ARTICLES = {"integer": "an", "array": "an", "object": "an", "null": ""}


def name_types(types: Sequence[str]) -> str:
    """Return "an integer or null"."""
    named = [f"{_ARTICLES.get(name, 'a')} {name}".strip() for name in types]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"


def format_value(value: Any, *, hidden: bool = False) -> str:
    """Return a value for a message, shortened; containers by their size only."""
    match value:
        case dict():
            return f"an object of {count_of(len(value), 'property', 'properties')}"
        case list():
            return f"an array of {count_of(len(value), 'item')}"
        case _ if hidden:
            return "what was given (not shown: it is a secret)"
        case str():
            return shorten(json.dumps(value, ensure_ascii=False))
        case None | bool():
            return json.dumps(value)
        case _:
            return shorten(str(value))


def list_names(names: Sequence[str] | Mapping[str, Any]) -> str:
    """Return the first names in quotes."""
    shown = [quote_name(name) for name in list(names)[:_SHOWN_NAMES]]
    return ", ".join(shown) + (" …" if len(names) > _SHOWN_NAMES else "")


def list_values(values: Sequence[Any]) -> str:
    """Return the first values."""
    shown = [format_value(value) for value in values[:_SHOWN_NAMES]]
    return ", ".join(shown) + (" …" if len(values) > _SHOWN_NAMES else "")


def quote_name(name: str) -> str:
    """Return a name in quotes."""
    return f"'{shorten(name)}'"


def shorten(text: str) -> str:
    """Return the text, cut to the limit of a message."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
