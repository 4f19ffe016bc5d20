"""File contents of contexts: the contents that packages of a context may build with.

The content store keeps equal contents once for all. Only contents that were sent to the context of
the process or to its organization are usable there and reported as present: knowledge of a digest
gives no access, not even from one project to the next.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, insert, select

from au2.domain.context import Context
from au2.stores.database.database import Transaction
from au2.stores.database.queries import in_chunks
from au2.stores.database.tables import contents

_FIND = select(contents.c.sha256, contents.c.size_bytes).where(
    contents.c.context_id.in_(bindparam("context_ids", expanding=True)),
    contents.c.sha256.in_(bindparam("sha256s", expanding=True)),
)


def find_contents(
    transaction: Transaction, context: Context, sha256s: Collection[str]
) -> dict[str, int]:
    """Return the contents among ``sha256s`` that the context has, with sizes in bytes."""
    context_ids = [_id_of(visible) for visible in context.chain]
    found: dict[str, int] = {}
    for chunk in in_chunks(sha256s):
        rows = transaction.execute(_FIND, {"context_ids": context_ids, "sha256s": chunk})
        found |= {row.sha256: row.size_bytes for row in rows}
    return found


def add_contents(transaction: Transaction, context: Context, sizes: Mapping[str, int]) -> None:
    """Insert contents of a context (size in bytes by SHA-256)."""
    known = find_contents(transaction, context, sizes)
    rows = [
        {"context_id": _id_of(context), "sha256": sha256, "size_bytes": size_bytes}
        for sha256, size_bytes in sizes.items()
        if sha256 not in known
    ]
    if rows:
        transaction.execute(insert(contents), rows)


def _id_of(context: Context) -> str:
    return context.project_id or context.organization_id
