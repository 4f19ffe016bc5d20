"""Stores and notices of an installation, and the opening of its database."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial

from au2.dispatcher.disk_space import bytes_to_leave
from au2.domain.errors import StorageFull
from au2.secrets.keyring import KeyFile
from au2.server.data_directory import DataDirectory
from au2.server.database_copies import migrate_with_copy
from au2.server.disk_reserve import release_disk_reserve
from au2.server.settings.sections import Settings
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.protocol import ContentStore
from au2.stores.database.database import Database
from au2.stores.logs.files import FileLogStore
from au2.stores.logs.protocol import LogStore
from au2.stores.notices import FolderNotices, Notices

_ABANDONED_SECONDS = 24 * 3600.0
"""Nobody writes one blob for so long."""


def open_database(data: DataDirectory) -> Database:
    """Open the database, which may need a migration."""
    return Database.open_file(data.database_file)


def open_database_for_good(data: DataDirectory) -> Database:
    """Open the database for a server: with space for its writes on a full disk."""
    database = open_database(data)
    database.preallocate_wal()
    return database


def make_blobs(data: DataDirectory) -> ContentStore:
    """Return the content store."""
    return FileContentStore(data.blobs)


def remove_unfinished_blobs(data: DataDirectory) -> int:
    """Remove ingests of killed writers; return the number of files."""
    return FileContentStore(data.blobs).clean_incoming(_ABANDONED_SECONDS)


def make_key_file(data: DataDirectory, settings: Settings) -> KeyFile:
    """Return the file with the secret keys, which may be missing yet."""
    return KeyFile(settings.secrets.key_file or data.key_file)


def make_logs(data: DataDirectory) -> LogStore:
    """Return the log store."""
    return FileLogStore(data.logs, bytes_to_leave)


def make_notices(data: DataDirectory, settings: Settings, name: str) -> Notices:
    """Begin to listen for notices as ``name``."""
    # Containers' roots lie below this folder too, so any user may pass through it.
    run_directory = data.run_directory(settings.server.run_dir)
    run_directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    run_directory.chmod(0o711)
    return FolderNotices(run_directory / "notices", name)


def opened_to_write(data: DataDirectory) -> AbstractContextManager[Database]:
    """Open the database of a data directory, migrated to the newest revision after a copy of it.

    Raises:
        NotFound: there is no data directory.
        WrongSchema: a newer version of au2 has written the database.
        StorageFull: the disk is full, and there is no disk reserve either.
    """
    return _opened(data, partial(migrate_with_copy, data))


def opened_to_read(data: DataDirectory) -> AbstractContextManager[Database]:
    """Open the database of a data directory, and never change its tables.

    Raises:
        NotFound: there is no data directory.
        WrongSchema: a newer or older version of au2 has written the database.
        StorageFull: the disk is full, and there is no disk reserve either.
    """
    return _opened(data, Database.ensure_current)


@contextmanager
def _opened(data: DataDirectory, prepare: Callable[[Database], None]) -> Iterator[Database]:
    data.check()
    with closing(open_database(data)) as database:
        try:
            prepare(database)
        except StorageFull:
            if not release_disk_reserve(data):
                raise
            prepare(database)
        yield database
