"""Shared parts of statements: the columns of a context, visibility, batches of values."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, or_

from au2.domain.context import Context


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


_CHUNK = 500


def in_chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield the values in lists short enough for one statement."""
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]
