"""Which file contents an organization has sent.

The blob store keeps equal contents once, whoever sent them. What an organization may build with,
and what it is told is there already, is only what it has sent itself: a digest alone is no key.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, insert, select

from au2.storage.chunks import in_chunks
from au2.storage.database import Transaction
from au2.storage.tables import contents

_FIND = select(contents.c.sha256, contents.c.size_bytes).where(
    contents.c.organization_id == bindparam("organization_id"),
    contents.c.sha256.in_(bindparam("sha256s", expanding=True)),
)


def find_contents(
    transaction: Transaction, organization_id: str, sha256s: Collection[str]
) -> dict[str, int]:
    """Return the sizes in bytes of those of the contents that the organization has sent."""
    found: dict[str, int] = {}
    for chunk in in_chunks(sha256s):
        wanted = {"organization_id": organization_id, "sha256s": chunk}
        rows = transaction.execute(_FIND, wanted)
        found |= {row.sha256: row.size_bytes for row in rows}
    return found


def add_contents(transaction: Transaction, organization_id: str, sizes: Mapping[str, int]) -> None:
    """Note that the organization has sent these contents (size in bytes by SHA-256)."""
    known = find_contents(transaction, organization_id, sizes)
    rows = [
        {"organization_id": organization_id, "sha256": sha256, "size_bytes": size_bytes}
        for sha256, size_bytes in sizes.items()
        if sha256 not in known
    ]
    if rows:
        transaction.execute(insert(contents), rows)
