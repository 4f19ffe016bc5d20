"""Layers: the cache of dependency layers, and the results of layer checks."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update

from au2.domain.accounts.context import Context
from au2.domain.processes.runtime import CheckedLayer, DependencyLayer
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import entity_columns, read_entity, visible_from
from au2.stores.database.tables import dependency_layers, layers


def find_dependency_layer(transaction: Transaction, key: str) -> DependencyLayer | None:
    """Return the dependency layer of a cache key."""
    row = transaction.execute(
        select(dependency_layers).where(dependency_layers.c.key == key)
    ).one_or_none()
    return None if row is None else read_entity(DependencyLayer, row)


def find_layer_blobs(
    transaction: Transaction, context: Context, digests: Collection[str]
) -> dict[str, int]:
    """Return the dependency layers among ``digests`` usable in a context, with sizes in bytes.

    Usable are layers without an owner, and those of the context or its organization. ``digests``
    are at most as many as an image has layers.
    """
    rows = transaction.execute(
        select(dependency_layers.c.layer_digest, dependency_layers.c.size_bytes).where(
            dependency_layers.c.layer_digest.in_(list(digests)),
            or_(
                dependency_layers.c.organization_id.is_(None),
                visible_from(dependency_layers, context),
            ),
        )
    )
    return {row.layer_digest: row.size_bytes for row in rows}


def put_dependency_layer(transaction: Transaction, layer: DependencyLayer, *, at: datetime) -> None:
    """Insert a dependency layer, in place of an earlier one of its key.

    Raises:
        NotFound: its owner was deleted.
    """
    if layer.organization_id is not None:
        ensure_owner_exists(transaction, Context(layer.organization_id, layer.project_id))
    transaction.execute(delete(dependency_layers).where(dependency_layers.c.key == layer.key))
    times = {"created_at": at, "used_at": at}
    transaction.execute(insert(dependency_layers).values(entity_columns(layer) | times))


def touch_dependency_layer(transaction: Transaction, key: str, *, at: datetime) -> None:
    """Record the use of a dependency layer; garbage collection keeps the recently used."""
    transaction.execute(
        update(dependency_layers).where(dependency_layers.c.key == key).values(used_at=at)
    )


def find_checked_layers(
    transaction: Transaction, digests: Collection[str]
) -> dict[str, CheckedLayer]:
    """Return the checked layers among ``digests`` (at most one manifest's), by digest."""
    rows = transaction.execute(select(layers).where(layers.c.digest.in_(list(digests))))
    return {row.digest: read_entity(CheckedLayer, row) for row in rows}


def put_checked_layer(transaction: Transaction, layer: CheckedLayer, *, at: datetime) -> None:
    """Insert the result of a layer check. Idempotent."""
    transaction.execute(delete(layers).where(layers.c.digest == layer.digest))
    transaction.execute(insert(layers).values(entity_columns(layer) | {"checked_at": at}))
