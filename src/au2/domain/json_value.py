"""What strangers' JSON may hold so that it can be kept and shown again."""

import math
from typing import Any

DEEPEST = 100
"""Levels of objects and lists. What makes answers of records gives up at some 250."""


def find_json_mistake(value: Any) -> str | None:
    """Say what of a parsed JSON value can't be given on as JSON, None if all can.

    Parsers let through what is no JSON text any more: half characters (lone surrogates) can't be
    encoded, and numbers beyond all bounds (``1e999``) have become infinite.
    """
    level: list[Any] = [value]
    depth = 0
    while level:
        for item in level:
            if message := _find_own_mistake(item):
                return message
        if depth == DEEPEST and any(isinstance(item, dict | list) for item in level):
            return f"it is nested deeper than {DEEPEST} levels"
        level = [inner for item in level for inner in _items(item)]
        depth += 1
    return None


def is_encodable(text: str) -> bool:
    """Whether ``text`` can be written in UTF-8 (it holds no half characters)."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _find_own_mistake(item: Any) -> str | None:
    texts = item if isinstance(item, dict) else (item,)
    if any(isinstance(text, str) and not is_encodable(text) for text in texts):
        return "a text holds half of a character"
    if isinstance(item, float) and not math.isfinite(item):
        return "a number is not finite"
    return None


def _items(item: Any) -> Any:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
