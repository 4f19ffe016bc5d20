"""The values that running attempts were given, encrypted: their logs are masked by these.

Kept apart from the secrets, whose values may be replaced or deleted while the attempt runs.
"""

from sqlalchemy import delete, insert, select

from au2.stores.database.database import Transaction
from au2.stores.database.tables import held_secrets


def hold_values(transaction: Transaction, job_id: int, number: int, ciphertext: str) -> None:
    """Keep what an attempt is given."""
    transaction.execute(
        insert(held_secrets).values(job_id=job_id, number=number, ciphertext=ciphertext)
    )


def find_held_values(transaction: Transaction, job_id: int, number: int) -> str | None:
    """What an attempt was given; None: nothing."""
    return transaction.execute(
        select(held_secrets.c.ciphertext).where(
            held_secrets.c.job_id == job_id, held_secrets.c.number == number
        )
    ).scalar_one_or_none()


def release_values(transaction: Transaction, job_id: int) -> None:
    """Forget what the attempts of a job were given. Harmless if that is nothing."""
    transaction.execute(delete(held_secrets).where(held_secrets.c.job_id == job_id))
