"""Conversion of wire types from and to JSON documents, without pydantic.

Documents come from a server that may send anything: each field is checked against its annotation,
and the first violation is an :class:`~au2.domain.errors.UnexpectedAnswer`. Of the bounds
(:class:`~au2.wire.base.Limits`), which are for the receiver of requests, patterns hold here too.
"""

import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from au2.domain.errors import UnexpectedAnswer
from au2.wire.base import Limits, WireType
from au2.wire.page import Page

_Wire = TypeVar("_Wire", bound=WireType)
_Read = Callable[[Any], Any]
_LARGEST: Final = (1 << 63) - 1


class _Field(NamedTuple):
    name: str
    read: _Read
    is_required: bool


def parse_record(kind: type[_Wire], document: object) -> _Wire:
    """Return the record in a JSON object.

    Numbers lie between 0 and 2**63 - 1; times have a zone.

    Raises:
        UnexpectedAnswer: a field is missing, or has another type.
    """
    if not isinstance(document, dict):
        raise UnexpectedAnswer
    values = {}
    for name, read, is_required in _fields_of(kind):
        if name in document:
            values[name] = read(document[name])
        elif is_required:
            raise UnexpectedAnswer
    return kind(**values)


def parse_page(kind: type[_Wire], document: object) -> tuple[list[_Wire], str | None]:
    """Return the records of a page, and the cursor of the next one. Raises UnexpectedAnswer."""
    page = parse_record(Page, document)
    return [parse_record(kind, item) for item in page.items], page.next


def format_document(record: WireType) -> dict[str, Any]:
    """Return the JSON object of a record, with all fields."""
    return {name: _format(value) for name, value in vars(record).items()}


def format_request(record: WireType) -> dict[str, Any]:
    """Return the JSON object of a request, without the fields at their default.

    So an older server, which refuses unknown fields, takes every request without new values.
    """
    defaults = record.defaults_
    return {
        name: [format_request(item) for item in value] if _is_records(value) else _format(value)
        for name, value in vars(record).items()
        if name not in defaults or value != defaults[name]
    }


def _is_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], WireType)


def _format(value: Any) -> Any:
    if isinstance(value, WireType):
        return format_document(value)
    if isinstance(value, dict):
        return {key: _format(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_format(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.value if isinstance(value, Enum) else value


_fields: Final[dict[type[WireType], tuple[_Field, ...]]] = {}


def _fields_of(kind: type[WireType]) -> tuple[_Field, ...]:
    if kind not in _fields:
        _fields[kind] = tuple(
            _Field(name, _reader_of(annotation), name not in kind.defaults_)
            for name, annotation in kind.fields_.items()
        )
    return _fields[kind]


def _reader_of(annotation: Any) -> _Read:
    """Return the function that checks and converts a JSON value of a type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is not None:
        return _GENERIC[origin](arguments)
    if isinstance(annotation, type) and issubclass(annotation, WireType):
        return lambda value: parse_record(annotation, value)
    return _SIMPLE[annotation]


def _read_annotated(arguments: tuple[Any, ...]) -> _Read:
    read = _reader_of(arguments[0])
    patterns = [item.pattern for item in arguments[1:] if isinstance(item, Limits)]
    pattern = next(filter(None, patterns), None)
    if pattern is None:
        return read
    return lambda value: read(value) if re.fullmatch(pattern, read(value)) else _refuse()


def _read_union(kinds: tuple[Any, ...]) -> _Read:
    readers = [_reader_of(kind) for kind in kinds if kind is not type(None)]
    if len(readers) == 1:
        read = readers[0]
        return lambda value: None if value is None else read(value)

    def read_any(value: Any) -> Any:
        for read in readers:
            try:
                return read(value)
            except UnexpectedAnswer:
                continue
        return _refuse()

    return read_any


def _read_choice(choices: tuple[Any, ...]) -> _Read:
    return lambda value: value if value in choices else _refuse()


def _read_list(kinds: tuple[Any, ...]) -> _Read:
    read = _reader_of(kinds[0])
    return lambda value: [read(item) for item in value] if isinstance(value, list) else _refuse()


def _read_object(kinds: tuple[Any, ...]) -> _Read:
    read = _reader_of(kinds[1])
    return lambda value: (
        {key: read(item) for key, item in value.items()} if isinstance(value, dict) else _refuse()
    )


def _read_text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse()


def _read_whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
        return value
    raise UnexpectedAnswer


def _read_number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= _LARGEST else _refuse()


def _read_flag(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse()


def _read_time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(_read_text(value))
    except ValueError as error:
        raise UnexpectedAnswer from error
    return time if time.tzinfo is not None else _refuse()


def _refuse() -> Any:
    raise UnexpectedAnswer


_SIMPLE: Final[dict[Any, _Read]] = {
    str: _read_text,
    int: _read_whole,
    float: _read_number,
    bool: _read_flag,
    datetime: _read_time,
    Any: lambda value: value,
}
_GENERIC: Final[dict[Any, Callable[[tuple[Any, ...]], _Read]]] = {
    Annotated: _read_annotated,
    Union: _read_union,
    UnionType: _read_union,
    Literal: _read_choice,
    list: _read_list,
    dict: _read_object,
}
