"""Processes and their counters of version numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, update

from au2.domain.accounts.context import Context
from au2.domain.processes.version import Process
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import (
    Key,
    entity_columns,
    owned_by,
    page_after,
    read_context,
    read_entity,
)
from au2.stores.database.tables import processes

_FIND = select(processes).where(
    processes.c.id == bindparam("process_id"), processes.c.deleted_at.is_(None)
)
_COUNT = (
    update(processes)
    .where(processes.c.id == bindparam("process_id"))
    .values(version_counter=processes.c.version_counter + 1)
    .returning(processes.c.version_counter)
)


def _process(row: Any) -> Process:
    return read_entity(Process, row, context=read_context(row), tags=tuple(row.tags))


def add_process(transaction: Transaction, process: Process) -> None:
    """Insert a process, whose first version will have number 1. Raises NotFound."""
    ensure_owner_exists(transaction, process.context)
    values = entity_columns(process) | {"version_counter": 0}
    transaction.execute(insert(processes).values(values))


def find_process(transaction: Transaction, process_id: str) -> Process | None:
    """Return the process of an id, unless deleted."""
    row = transaction.execute(_FIND, {"process_id": process_id}).one_or_none()
    return None if row is None else _process(row)


def list_processes(
    transaction: Transaction,
    context: Context,
    *,
    name: str | None = None,
    tag: str | None = None,
    after: Key | None = None,
    limit: int | None = None,
) -> list[Process]:
    """Return the processes visible from a context, ordered by name, time of creation and id.

    ``after`` and ``limit``: part of the list, see :func:`page_after`.
    """
    found: list[Process] = []
    # With a tag, few of the processes that are read may have it.
    most = limit if limit is None or tag is None else max(limit, _TAGGED)
    while True:
        read = _read_visible(transaction, context, name, after, most)
        # Filtered here: databases differ in how they search JSON lists, and tags are few.
        found += [process for process in read if tag is None or tag in process.tags]
        if limit is None or most is None or len(read) < most or len(found) >= limit:
            return found[:limit]
        after = _key(read[-1])


def _read_visible(
    transaction: Transaction,
    context: Context,
    name: str | None,
    after: Key | None,
    limit: int | None,
) -> list[Process]:
    found = []
    for owner in context.chain:
        # One statement an owner, so that an index gives each its first processes.
        query = page_after(_of_owner(owner, name), _ORDER, after, limit)
        found += [_process(row) for row in transaction.execute(query)]
    return sorted(found, key=_key)[:limit]


_TAGGED = 500
_ORDER = (processes.c.name, processes.c.created_at, processes.c.id)


def _key(process: Process) -> Key:
    return process.name, process.created_at, process.id


def _of_owner(owner: Context, name: str | None) -> Select[Any]:
    query = select(processes).where(owned_by(processes, owner), processes.c.deleted_at.is_(None))
    return query if name is None else query.where(processes.c.name == name)


def update_process(
    transaction: Transaction,
    process_id: str,
    *,
    name: str | None,
    description: str | None,
    tags: Sequence[str] | None,
    at: datetime,
    by: str,
) -> None:
    """Set the fields other than None."""
    values: dict[str, Any] = {"updated_at": at, "updated_by": by}
    if name is not None:
        values["name"] = name
    if description is not None:
        values["description"] = description
    if tags is not None:
        values["tags"] = list(tags)
    transaction.execute(update(processes).where(processes.c.id == process_id).values(values))


def delete_process(transaction: Transaction, process_id: str, *, at: datetime) -> None:
    """Mark a process as deleted. The row stays, because jobs refer to it."""
    transaction.execute(update(processes).where(processes.c.id == process_id).values(deleted_at=at))


def take_version_number(transaction: Transaction, process_id: str) -> int:
    """Return the next version number of a process, used only once."""
    number: int = transaction.execute(_COUNT, {"process_id": process_id}).scalar_one()
    return number
