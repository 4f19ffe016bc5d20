"""Secrets and the secret values of running attempts: records, and values as ciphertexts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from au2.domain.accounts.context import Context
from au2.domain.accounts.secret import Secret
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import (
    entity_columns,
    owned_by,
    read_context,
    read_entity,
    visible_from,
)
from au2.stores.database.tables import held_secrets, secrets


def _secret(row: Any) -> Secret:
    has_value = row.ciphertext is not None
    return read_entity(Secret, row, context=read_context(row), has_value=has_value)


def add_secret(transaction: Transaction, secret: Secret) -> None:
    """Insert a secret without a value. Raises NotFound: its owner was deleted."""
    ensure_owner_exists(transaction, secret.context)
    values = entity_columns(secret) | {"size_bytes": 0}
    del values["has_value"]
    transaction.execute(insert(secrets).values(values))


def find_own_secret(transaction: Transaction, context: Context, name: str) -> Secret | None:
    """Return the secret of a name in exactly this context."""
    row = transaction.execute(
        select(secrets).where(owned_by(secrets, context), secrets.c.name == name)
    ).one_or_none()
    return None if row is None else _secret(row)


def find_secret(transaction: Transaction, context: Context, name: str) -> Secret | None:
    """Return the secret of a name in a context: its own, else its organization's."""
    for owner in context.chain:
        found = find_own_secret(transaction, owner, name)
        if found is not None:
            return found
    return None


def list_secrets(transaction: Transaction, context: Context) -> list[Secret]:
    """Return the secrets visible from a context by name, a project's before its organization's."""
    rows = transaction.execute(
        select(secrets)
        .where(visible_from(secrets, context))
        .order_by(secrets.c.name, secrets.c.project_id.is_(None))
    )
    return [_secret(row) for row in rows]


def find_ciphertext(transaction: Transaction, secret_id: str) -> str | None:
    """Return the ciphertext of a secret's value; None if the secret has no value."""
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
    """Replace the ciphertext of a secret's value."""
    transaction.execute(
        update(secrets)
        .where(secrets.c.id == secret_id)
        .values(ciphertext=ciphertext, size_bytes=size_bytes, updated_at=at, updated_by=by)
    )


def delete_secret(transaction: Transaction, secret_id: str) -> None:
    """Delete a secret with its value."""
    transaction.execute(delete(secrets).where(secrets.c.id == secret_id))


def hold_values(transaction: Transaction, job_id: int, number: int, ciphertext: str) -> None:
    """Insert the ciphertext of the secret values of an attempt."""
    transaction.execute(
        insert(held_secrets).values(job_id=job_id, number=number, ciphertext=ciphertext)
    )


def find_held_values(transaction: Transaction, job_id: int, number: int) -> str | None:
    """Return the ciphertext of an attempt's secret values; None: the attempt has none."""
    return transaction.execute(
        select(held_secrets.c.ciphertext).where(
            held_secrets.c.job_id == job_id, held_secrets.c.number == number
        )
    ).scalar_one_or_none()


def release_values(transaction: Transaction, job_id: int) -> None:
    """Delete the secret values of a job's attempts. Idempotent."""
    transaction.execute(delete(held_secrets).where(held_secrets.c.job_id == job_id))


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An encrypted value and the associated data of its row."""

    text: str
    bound_to: str


def bound_to_secret(secret_id: str) -> str:
    """Return the associated data of a secret's value."""
    return f"secret:{secret_id}"


def bound_to_attempt(job_id: int, number: int) -> str:
    """Return the associated data of an attempt's secret values."""
    return f"attempt:{job_id}:{number}"


def list_ciphertexts(transaction: Transaction) -> Sequence[Ciphertext]:
    """Return all ciphertexts of the database."""
    found = [
        Ciphertext(row.ciphertext, bound_to_secret(row.id))
        for row in transaction.execute(
            select(secrets.c.id, secrets.c.ciphertext).where(secrets.c.ciphertext.is_not(None))
        )
    ]
    found += [
        Ciphertext(row.ciphertext, bound_to_attempt(row.job_id, row.number))
        for row in transaction.execute(select(held_secrets))
    ]
    return found


def has_ciphertexts(transaction: Transaction) -> bool:
    """Whether the database holds any ciphertext."""
    return any(
        transaction.execute(
            select(table.c.ciphertext).where(table.c.ciphertext.is_not(None))
        ).first()
        for table in (secrets, held_secrets)
    )


def replace_ciphertext(transaction: Transaction, old: str, new: str) -> bool:
    """Replace the ciphertext ``old``; return False without one.

    No two ciphertexts are equal, because each has a random nonce.
    """
    changed = 0
    for table in (secrets, held_secrets):
        changed += transaction.execute(
            update(table).where(table.c.ciphertext == old).values(ciphertext=new)
        ).rowcount
    return changed > 0
