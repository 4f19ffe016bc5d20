"""What keeps an installation in order, made from the settings."""

from au2.app.maintenance.fsck.check import IntegrityCheck
from au2.app.maintenance.gc.collection import GarbageCollection
from au2.domain import clock
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.wiring.engine import make_unpacked_layers
from au2.server.wiring.stores import make_blobs
from au2.stores.database.database import Database


def make_garbage_collection(
    data: DataDirectory, settings: Settings, database: Database
) -> GarbageCollection:
    """Return what removes what nothing needs."""
    layers = make_unpacked_layers(data, settings)
    return GarbageCollection(database, make_blobs(data), layers, clock.now)


def make_integrity_check(
    data: DataDirectory, settings: Settings, database: Database
) -> IntegrityCheck:
    """Return what checks that all that is kept is whole."""
    layers = make_unpacked_layers(data, settings)
    return IntegrityCheck(database, make_blobs(data), layers, clock.now)
