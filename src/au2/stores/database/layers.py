"""Layers that were read and judged: what is in a blob, true for ever, for a blob never changes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from au2.stores.database.database import Transaction
from au2.stores.database.tables import layers


@dataclass(frozen=True, slots=True)
class CheckedLayer:
    """A layer's blob that holds a safe archive."""

    digest: str
    """Of the blob, as it came."""
    diff_id: str
    """Of the uncompressed archive."""
    size_bytes: int
    """Uncompressed."""


def find_checked_layers(
    transaction: Transaction, digests: Collection[str]
) -> dict[str, CheckedLayer]:
    """Return those of the blobs (at most a manifest's number) that were judged, by digest."""
    rows = transaction.execute(select(layers).where(layers.c.digest.in_(list(digests))))
    return {row.digest: _layer(row) for row in rows}


def put_checked_layer(transaction: Transaction, layer: CheckedLayer, *, at: datetime) -> None:
    """Note that a layer was judged; once more is harmless."""
    transaction.execute(delete(layers).where(layers.c.digest == layer.digest))
    transaction.execute(
        insert(layers).values(
            digest=layer.digest,
            diff_id=layer.diff_id,
            size_bytes=layer.size_bytes,
            checked_at=at,
        )
    )


def _layer(row: Any) -> CheckedLayer:
    return CheckedLayer(row.digest, row.diff_id, row.size_bytes)
