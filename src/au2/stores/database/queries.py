"""Shared parts of statements: columns of entities and contexts, visibility, batches of values."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, literal, or_, tuple_

from au2.domain.accounts.context import Context

_Entity = TypeVar("_Entity")
_Value = TypeVar("_Value")


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def entity_columns(entity: Any) -> dict[str, Any]:
    """Return the column values of an entity (a dataclass) with fields named as the columns.

    A field ``context`` becomes its two columns.
    """
    kind: Any = type(entity)
    values = {name: getattr(entity, name) for name in _field_names(kind)}
    if "context" in values:
        values |= context_columns(values.pop("context"))
    return values


def read_entity(kind: Callable[..., _Entity], row: Any, **converted: Any) -> _Entity:
    """Return the entity of a row with columns named as the fields.

    Args:
        kind: the dataclass.
        row: a row with a column for each other field.
        converted: fields whose column has another name or form.
    """
    own = (name for name in _field_names(kind) if name not in converted)
    return kind(**{name: getattr(row, name) for name in own}, **converted)


def context_columns(context: Context | None) -> dict[str, str | None]:
    """Return the column values of an owner; None is a global object."""
    if context is None:
        return {"organization_id": None, "project_id": None}
    return {"organization_id": context.organization_id, "project_id": context.project_id}


def read_context(row: Any) -> Context:
    """Return the owner of a row."""
    return Context(row.organization_id, row.project_id)


def owned_by(table: FromClause, context: Context) -> ColumnElement[bool]:
    """Condition: the row is owned by exactly this context."""
    return and_(
        table.c.organization_id == context.organization_id,
        table.c.project_id.is_(None)
        if context.project_id is None
        else table.c.project_id == context.project_id,
    )


def visible_from(table: FromClause, context: Context) -> ColumnElement[bool]:
    """Condition: the row is owned by this context or its organization."""
    return or_(*(owned_by(table, owner) for owner in context.chain))


Key = tuple[str | int | datetime, ...]
"""Values of the columns by which a list is ordered, together unique."""


def page_after(
    query: Select[Any], columns: Sequence[Column[Any]], after: Key | None, limit: int | None
) -> Select[Any]:
    """Return the query in the order of some columns, from a key on and for so many rows.

    The rows before are not read, given an index that ends with the columns. The row of the key may
    have been deleted. ``after``: None is from the first. ``limit``: None is all.
    """
    if after is not None:
        pairs = zip(columns, after, strict=True)
        bounds = [literal(value, column.type) for column, value in pairs]
        query = query.where(tuple_(*columns) > tuple_(*bounds))
    return query.order_by(*columns).limit(limit)


_CHUNK = 500


def in_chunks(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Yield the values in lists short enough for one statement."""
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]
