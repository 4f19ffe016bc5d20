"""Secrets: records, and values as ciphertexts only."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from au2.domain.context import Context
from au2.domain.secret import Secret
from au2.stores.database.contexts import context_columns, owned_by, read_context, visible_from
from au2.stores.database.database import Transaction
from au2.stores.database.tables import secrets


def _secret(row: Any) -> Secret:
    return Secret(
        id=row.id,
        name=row.name,
        context=read_context(row),
        description=row.description,
        has_value=row.ciphertext is not None,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


def add_secret(transaction: Transaction, secret: Secret) -> None:
    """Insert a secret without a value."""
    transaction.execute(
        insert(secrets).values(
            id=secret.id,
            name=secret.name,
            description=secret.description,
            size_bytes=0,
            created_at=secret.created_at,
            created_by=secret.created_by,
            updated_at=secret.updated_at,
            updated_by=secret.updated_by,
            **context_columns(secret.context),
        )
    )


def find_own_secret(transaction: Transaction, context: Context, name: str) -> Secret | None:
    """The secret of that name that belongs to exactly this context."""
    row = transaction.execute(
        select(secrets).where(owned_by(secrets, context), secrets.c.name == name)
    ).one_or_none()
    return None if row is None else _secret(row)


def find_secret(transaction: Transaction, context: Context, name: str) -> Secret | None:
    """The secret that a name means in a context: its own, else that of the organization above."""
    for owner in context.chain:
        found = find_own_secret(transaction, owner, name)
        if found is not None:
            return found
    return None


def list_secrets(transaction: Transaction, context: Context) -> list[Secret]:
    """All secrets visible from a context by name, a project's own before its organization's."""
    rows = transaction.execute(
        select(secrets)
        .where(visible_from(secrets, context))
        .order_by(secrets.c.name, secrets.c.project_id.is_(None))
    )
    return [_secret(row) for row in rows]


def find_ciphertext(transaction: Transaction, secret_id: str) -> str | None:
    """The encrypted value of a secret; None if it has none."""
    return transaction.execute(
        select(secrets.c.ciphertext).where(secrets.c.id == secret_id)
    ).scalar_one_or_none()


def set_ciphertext(
    transaction: Transaction,
    secret_id: str,
    ciphertext: str,
    *,
    size_bytes: int,
    at: datetime,
    by: str,
) -> None:
    """Keep a new value; the one before is gone."""
    transaction.execute(
        update(secrets)
        .where(secrets.c.id == secret_id)
        .values(ciphertext=ciphertext, size_bytes=size_bytes, updated_at=at, updated_by=by)
    )


def delete_secret(transaction: Transaction, secret_id: str) -> None:
    """Delete a secret with its value."""
    transaction.execute(delete(secrets).where(secrets.c.id == secret_id))
