"""The builder's knowledge of layers that were made before, kept in the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from au2.domain.layer import DependencyLayer
from au2.stores.database.content.layers import (
    find_dependency_layer,
    put_dependency_layer,
    touch_dependency_layer,
)
from au2.stores.database.database import Database


@dataclass(frozen=True, slots=True)
class DependencyLayers:
    """A :class:`~au2.dependencies.cache.layer_cache.LayerIndex`."""

    database: Database
    clock: Callable[[], datetime]

    def find(self, key: str) -> DependencyLayer | None:
        """Return what is kept under a key, and note that it was of use."""
        with self.database.read() as transaction:
            found = find_dependency_layer(transaction, key)
        if found is not None:
            # Worth nothing after a power cut, so nothing waits for the disk.
            with self.database.write(durable=False) as transaction:
                touch_dependency_layer(transaction, key, at=self.clock())
        return found

    def add(self, layer: DependencyLayer) -> None:
        """Keep a layer, in place of what was under its key."""
        with self.database.write() as transaction:
            put_dependency_layer(transaction, layer, at=self.clock())
