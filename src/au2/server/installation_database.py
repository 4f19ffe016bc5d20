"""Opening an installation's database, also when the disk is full."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from au2.domain.errors import StorageFull
from au2.server.data_directory import DataDirectory
from au2.server.disk_reserve import release_disk_reserve
from au2.server.wiring.stores import open_database
from au2.stores.database.database import Database


@contextmanager
def opened_to_write(data: DataDirectory) -> Iterator[Database]:
    """Open the database of a data directory, migrated to the newest revision.

    Raises:
        NotFound: there is no data directory.
        WrongSchema: a newer version of au2 has written it.
        StorageFull: there is no room, and no reserve either.
    """
    data.check()
    with closing(open_database(data)) as database:
        _with_reserve(data, database.migrate)
        yield database


@contextmanager
def opened_to_read(data: DataDirectory) -> Iterator[Database]:
    """Open the database of a data directory, and never change its tables.

    Raises:
        NotFound: there is no data directory.
        WrongSchema: a newer or older version of au2 has written it.
        StorageFull: there is no room, and no reserve either.
    """
    data.check()
    with closing(open_database(data)) as database:
        _with_reserve(data, database.ensure_current)
        yield database


def _with_reserve(data: DataDirectory, act: Callable[[], None]) -> None:
    """Act, and once more with the reserve given up where there was no room."""
    try:
        act()
    except StorageFull:
        if not release_disk_reserve(data):
            raise
        act()
