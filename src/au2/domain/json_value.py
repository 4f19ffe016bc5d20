"""JSON values of users: checks of their encoding, and JSON Pointers."""

import json
import math
from collections.abc import Iterable
from typing import Any

DEEPEST = 100
"""Most levels of objects and lists. The encoder of responses fails at some 250."""
_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"


def find_json_error(value: Any) -> str | None:
    """Return why a parsed JSON value can't be encoded as JSON; None for an encodable one.

    Parsers accept text whose value has no JSON form: lone surrogates can't be encoded in UTF-8,
    and numbers such as ``1e999`` become infinite.
    """
    level: list[Any] = [value]
    depth = 0
    while level:
        for item in level:
            if message := _find_own_mistake(item):
                return message
        if depth == DEEPEST and any(isinstance(item, dict | list) for item in level):
            return _TOO_DEEP
        level = [inner for item in level for inner in _items(item)]
        depth += 1
    return None


def encode_json(value: Any) -> bytes:
    """Return a parsed JSON value as JSON, checked in a quarter of the separate check's time.

    Raises:
        ValueError: with the message of :func:`find_json_error`.
    """
    try:
        document = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ValueError(find_json_error(value)) from None
    if measure_depth(value) > DEEPEST:
        raise ValueError(_TOO_DEEP)
    return document


def measure_depth(value: Any) -> int:
    """Return the number of levels of objects and lists: 0 for a text, 1 for ``{}``."""
    depth = 0
    level = [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if type(item) is dict else item)
            if type(inner) is dict or type(inner) is list
        ]
    return depth


def is_encodable(text: str) -> bool:
    """Whether ``text`` has a UTF-8 form: no lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def ensure_text(text: str) -> str:
    """Return ``text`` unchanged. Raises UnicodeEncodeError without a UTF-8 form."""
    text.encode()
    return text


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


def format_pointer(path: Iterable[object]) -> str:
    """Return the JSON Pointer (RFC 6901) of a path of names and indexes."""
    return "".join(f"/{str(token).replace('~', '~0').replace('/', '~1')}" for token in path)


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Return the path of a JSON Pointer; inverse of :func:`format_pointer`, indexes as text."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])
