"""Events of the audit trail, written in the transaction of the recorded change."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from au2.domain.accounts.context import Context
from au2.domain.event import Event, EventAction
from au2.stores.database.database import Transaction
from au2.stores.database.queries import read_entity
from au2.stores.database.tables import events

_INSERT = insert(events)


def add_event(
    transaction: Transaction,
    actor: str,
    action: EventAction,
    subject: str,
    context: Context | None = None,
    *,
    at: datetime,
    **data: Any,
) -> None:
    """Insert an event.

    Args:
        transaction: of the change.
        actor: email address of a user, or :data:`au2.domain.event.PLATFORM`.
        action: kind of the change.
        subject: the changed object, ``<noun>:<id>``.
        context: owner of the object; None: the installation.
        at: time of the change.
        data: more about the change; must be JSON.
    """
    row = {
        "at": at,
        "actor": actor,
        "action": action.value,
        "subject": subject,
        "organization_id": None if context is None else context.organization_id,
        "data": data,
    }
    transaction.execute(_INSERT, row)


def list_events(transaction: Transaction, subject: str) -> list[Event]:
    """Return the events of ``subject``, oldest first."""
    rows = transaction.execute(
        select(events).where(events.c.subject == subject).order_by(events.c.id)
    )
    return [read_entity(Event, row, action=EventAction(row.action)) for row in rows]
