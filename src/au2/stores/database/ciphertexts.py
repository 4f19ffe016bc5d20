"""Everything that is encrypted, wherever it is kept: for changing the key."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from au2.stores.database.database import Transaction
from au2.stores.database.tables import held_secrets, secrets


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An encrypted value and what it is bound to."""

    text: str
    bound_to: str


def bound_to_secret(secret_id: str) -> str:
    """What the value of a secret is bound to."""
    return f"secret:{secret_id}"


def bound_to_attempt(job_id: int, number: int) -> str:
    """What the values that an attempt was given are bound to."""
    return f"attempt:{job_id}:{number}"


def list_ciphertexts(transaction: Transaction) -> Sequence[Ciphertext]:
    """All of them."""
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
    """Whether anything is encrypted."""
    return any(
        transaction.execute(
            select(table.c.ciphertext).where(table.c.ciphertext.is_not(None))
        ).first()
        for table in (secrets, held_secrets)
    )


def replace_ciphertext(transaction: Transaction, old: str, new: str) -> bool:
    """Put ``new`` in the place of ``old``; return False if that is not there any more.

    No two ciphertexts are equal: each has a random part.
    """
    changed = 0
    for table in (secrets, held_secrets):
        changed += transaction.execute(
            update(table).where(table.c.ciphertext == old).values(ciphertext=new)
        ).rowcount
    return changed > 0
