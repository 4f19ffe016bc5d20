"""Bringing the database to its newest form, also when the disk is full."""

from au2.domain.errors import StorageFull
from au2.server.data_directory import DataDirectory
from au2.server.reserve import give_up_reserve
from au2.storage.database import Database


def migrate_on_full_disk(database: Database, data: DataDirectory) -> None:
    """Bring the database up to date; where there is no room even for opening it, make some.

    Raises:
        StorageFull: nothing was held back either.
    """
    try:
        database.migrate()
    except StorageFull:
        if not give_up_reserve(data):
            raise
        database.migrate()
