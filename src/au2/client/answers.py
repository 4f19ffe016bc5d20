"""Fields of answers that are read by hand, each by its type: a server may answer anything."""

from collections.abc import Mapping
from typing import Any

from au2.domain.errors import UnexpectedAnswer

_MOST = (1 << 63) - 1


def take(document: object, name: str) -> Any:
    """Return a field, whatever it is. Raises UnexpectedAnswer if it is not there."""
    if not isinstance(document, Mapping) or name not in document:
        raise UnexpectedAnswer
    return document[name]


def take_text(document: object, name: str) -> str:
    """Return a text. Raises UnexpectedAnswer."""
    value = take(document, name)
    if not isinstance(value, str):
        raise UnexpectedAnswer
    return value


def take_whole(document: object, name: str, *, most: int = _MOST) -> int:
    """Return a whole number from 0 to ``most``. Raises UnexpectedAnswer."""
    value = take(document, name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise UnexpectedAnswer
    return value


def take_number(document: object, name: str) -> float:
    """Return a number that is neither negative nor infinite. Raises UnexpectedAnswer."""
    value = take(document, name)
    if not isinstance(value, (int, float)) or not 0 <= value <= _MOST:
        raise UnexpectedAnswer
    return float(value)


def take_list(document: object, name: str) -> list[Any]:
    """Return a list. Raises UnexpectedAnswer."""
    value = take(document, name)
    if not isinstance(value, list):
        raise UnexpectedAnswer
    return value


def take_texts(document: object, name: str) -> tuple[str, ...]:
    """Return a list of texts. Raises UnexpectedAnswer."""
    values = take_list(document, name)
    if not all(isinstance(value, str) for value in values):
        raise UnexpectedAnswer
    return tuple(values)


def find_text(document: object, name: str) -> str | None:
    """Return a text; None if it is not there or null. Raises UnexpectedAnswer."""
    return take_text(document, name) if _has(document, name) else None


def find_whole(document: object, name: str) -> int | None:
    """Return a whole number; None if it is not there or null. Raises UnexpectedAnswer."""
    return take_whole(document, name) if _has(document, name) else None


def find_number(document: object, name: str) -> float | None:
    """Return a number; None if it is not there or null. Raises UnexpectedAnswer."""
    return take_number(document, name) if _has(document, name) else None


def find_mapping(document: object, name: str) -> Mapping[str, Any]:
    """Return an object; an empty one if it is not there or null. Raises UnexpectedAnswer."""
    value = take(document, name) if _has(document, name) else {}
    if not isinstance(value, Mapping):
        raise UnexpectedAnswer
    return value


def find_list(document: object, name: str) -> list[Any]:
    """Return a list; an empty one if it is not there or null. Raises UnexpectedAnswer."""
    return take_list(document, name) if _has(document, name) else []


def find_flag(document: object, name: str) -> bool:
    """Return whether a field is there and true. Raises UnexpectedAnswer."""
    return _has(document, name) and take(document, name) is True


def _has(document: object, name: str) -> bool:
    if not isinstance(document, Mapping):
        raise UnexpectedAnswer
    return document.get(name) is not None
