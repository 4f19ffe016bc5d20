"""Database connections and transactions, and the revision of the tables (alembic)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection

from au2.domain.errors import DatabaseUnavailable, StorageFull, WrongSchema
from au2.stores.database import sqlite
from au2.stores.durability import preallocate

_BUSY_SECONDS = 30.0
_WAL_BYTES = 4 << 20
"""Space for about a hundred logins, or as many other small changes."""

Transaction = Connection
"""First argument of every statement function. Begun and ended by :class:`Database` only."""


class Database:
    """Connection pool of one database. Safe for several threads and processes."""

    def __init__(self, url: str | URL, *, busy_seconds: float = _BUSY_SECONDS) -> None:
        """``url`` is SQLAlchemy's, for example ``sqlite:////var/lib/au2/au2.sqlite3``, or a URL.

        ``busy_seconds``: longest wait for a lock of another connection.
        """
        self._engine = sqlite.make_engine(url, busy_seconds)

    @classmethod
    def open_file(cls, path: Path, *, busy_seconds: float = _BUSY_SECONDS) -> Self:
        """Open an SQLite file. A missing file and its folder (mode 700) are created."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No URL as text: '?', '#' and '%' in a path would have a meaning there.
        return cls(URL.create("sqlite", database=str(path)), busy_seconds=busy_seconds)

    def migrate(self) -> None:
        """Migrate the tables to the newest revision. Idempotent.

        Raises:
            WrongSchema: a newer version of au2 has written the tables; nothing was changed.
            StorageFull: the disk is full; nothing was changed.
        """
        config = make_config()
        with self.write() as transaction:
            ensure_not_newer(transaction)
            config.attributes["connection"] = transaction
            command.upgrade(config, "head")

    def find_older_revision(self) -> str | None:
        """Return the revision of tables that need a migration; None: they are current, or missing.

        Raises WrongSchema: a newer version of au2 has written the tables.
        """
        with self.read() as transaction:
            ensure_not_newer(transaction)
            revision = find_revision(transaction)
        return None if revision == _known_revisions()[0] else revision

    def ensure_current(self) -> None:
        """Check that the tables have the newest revision, without a change.

        Raises:
            WrongSchema: another version of au2 has written the tables.
            StorageFull: the disk has no space even for opening the database.
        """
        with self.read() as transaction:
            ensure_current(transaction)

    def save_copy(self, path: Path) -> None:
        """Write a snapshot of the database to a new file, while other connections go on."""
        with self.read() as transaction:
            sqlite.save_copy(transaction, path)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Read transaction with one consistent view.

        Raises:
            DatabaseUnavailable: the database can't be used at the moment.
        """
        with self._translate_errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True, patient: bool = True) -> Iterator[Transaction]:
        """Write transaction, committed when the block ends without an error.

        Args:
            durable: whether the commit must survive a power cut from now on. A commit without
                costs no flush to disk and becomes durable with the next durable one; a killed
                process loses neither. False is for changes that are repeated if they are lost.
            patient: whether to wait for another connection's lock; False waits a moment only.

        Raises:
            StorageFull: the disk is full; nothing was changed.
            DatabaseUnavailable: the database can't be used at the moment; nothing was changed.
        """
        with self._translate_errors(), self._engine.connect() as connection:
            writing = connection.execution_options(
                au2_write=True, au2_durable=durable, au2_patient=patient
            )
            with writing.begin():
                yield writing

    def preallocate_wal(self) -> None:
        """Preallocate the write-ahead log: small changes succeed on a full disk.

        The space stays reserved while a connection is open. Repeated calls replace used space.
        """
        with self.read() as transaction:
            log = sqlite.find_log(transaction)
            if log is not None:
                # The write-ahead log takes every change first. No other file may be opened here:
                # closing one of SQLite's files anywhere in a process drops its POSIX locks.
                preallocate(log, _WAL_BYTES)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translate errors of the driver without a statement at fault."""
        try:
            yield
        except sqlite.DRIVER_ERRORS as error:
            if sqlite.is_storage_full(error):
                raise StorageFull(
                    hint="Free some space on the server's data directory, then try again."
                ) from error
            reason = sqlite.why_unavailable(error)
            if reason is None:
                raise
            if not sqlite.is_locked(error):
                # Open connections may be useless from now on; the next transaction opens a new one.
                self._engine.dispose()
            raise DatabaseUnavailable(
                f"The server's database can't be used at the moment: {reason}.",
                hint="Try again in a moment. If the error stays, tell the server's operator.",
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def make_config() -> Config:
    """Return the configuration of alembic with the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", "au2.stores.database:migrations")
    return config


def find_revision(transaction: Connection) -> str | None:
    """Return the revision of the tables; None for an empty database."""
    return MigrationContext.configure(transaction).get_current_revision()


def ensure_not_newer(transaction: Connection) -> None:
    """Refuse tables of an unknown revision. Raises WrongSchema."""
    revision, known = find_revision(transaction), _known_revisions()
    if revision is None or revision in known:
        return
    raise WrongSchema(
        f"This database was written by a newer au2 (revision {revision}; this au2 knows "
        f"revisions up to {known[0]}). Nothing was changed.",
        hint="Start the newer au2, or restore a backup that was made before the upgrade.",
    )


def ensure_current(transaction: Connection) -> None:
    """Refuse tables of any revision but the newest. Raises WrongSchema."""
    ensure_not_newer(transaction)
    revision, newest = find_revision(transaction), _known_revisions()[0]
    if revision != newest:
        raise WrongSchema(
            f"This database was written by an older au2 (revision {revision or 'none'}; this au2 "
            f"has revision {newest}). Commands that only read do not change it.",
            hint="Make a backup with the older au2, then start the server: it migrates the "
            "database.",
        )


def _known_revisions() -> list[str]:
    """Return all revisions, the newest first."""
    scripts = ScriptDirectory.from_config(make_config())
    return [script.revision for script in scripts.walk_revisions()]
