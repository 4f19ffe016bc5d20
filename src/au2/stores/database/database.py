"""Opening the database and its transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from alembic import command
from sqlalchemy import URL, Connection, Engine, create_engine, make_url

from au2.domain.errors import DatabaseUnavailable, StorageFull
from au2.stores.database import dialect
from au2.stores.database.revisions import ensure_current, ensure_not_newer, make_config
from au2.stores.logs.preallocation import preallocate

_BUSY_SECONDS = 30.0
_HELD_BYTES = 4 << 20
"""About a hundred logins, or as many other small changes."""

Transaction = Connection
"""What the functions of this room take first. Begun and ended by :class:`Database` only."""


class Database:
    """One database. Safe to use from several threads and processes."""

    def __init__(self, url: str | URL, *, busy_seconds: float = _BUSY_SECONDS) -> None:
        """``url`` is SQLAlchemy's, for example ``sqlite:////var/lib/au2/au2.sqlite3``, or a URL.

        Somebody else's lock is waited for ``busy_seconds``.
        """
        arguments = dialect.engine_arguments(make_url(url), busy_seconds)
        self._engine: Engine = create_engine(url, **arguments)
        dialect.prepare_engine(self._engine, busy_seconds)

    @classmethod
    def open_file(cls, path: Path, *, busy_seconds: float = _BUSY_SECONDS) -> Self:
        """Open (and create, if need be) an SQLite file; its folder is made, for root only."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not by a text, in which '?', '#' and '%' of a path mean something.
        return cls(URL.create("sqlite", database=str(path)), busy_seconds=busy_seconds)

    def migrate(self) -> None:
        """Bring the tables to the newest revision. Idempotent.

        Raises:
            WrongSchema: a newer version of au2 has written them; nothing was changed.
            StorageFull: no room; nothing was changed.
        """
        config = make_config()
        with self.write() as transaction:
            ensure_not_newer(transaction)
            config.attributes["connection"] = transaction
            command.upgrade(config, "head")

    def ensure_current(self) -> None:
        """Check that the tables have the newest revision, and change nothing.

        Raises:
            WrongSchema: another version of au2 has written them.
            StorageFull: there is not even room for opening the database.
        """
        with self.read() as transaction:
            ensure_current(transaction)

    def save_copy(self, path: Path) -> None:
        """Write the database, as it is at one moment, to a new file. Others go on meanwhile."""
        with self.read() as transaction:
            dialect.save_copy(transaction, path)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads: one consistent view.

        Raises:
            DatabaseUnavailable: it can't be used at the moment.
        """
        with self._faults_told(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True, patient: bool = True) -> Iterator[Transaction]:
        """A transaction that writes, committed when the block ends well.

        Args:
            durable: whether it must survive a power cut from now on. Without that it costs no flush
                to disk and becomes durable with the next that is; a process that is killed loses
                nothing either way. For what is found out or done again if it is gone.
            patient: whether a lock of somebody else's is waited for; without it only for a moment.

        Raises:
            StorageFull: no room; nothing was changed.
            DatabaseUnavailable: it can't be used at the moment; nothing was changed.
        """
        with self._faults_told(), self._engine.connect() as connection:
            writing = connection.execution_options(
                au2_write=True, au2_durable=durable, au2_patient=patient
            )
            with writing.begin():
                yield writing

    def preallocate_wal(self) -> None:
        """Keep some room on the disk for what is to be written when all else is full.

        It stays as long as anybody has the database open. To be repeated now and then: what was
        used of it is replaced.
        """
        with self.read() as transaction:
            log = dialect.find_log(transaction)
            if log is not None:
                # The write-ahead log takes every change first. Only it may be opened here: SQLite
                # locks the other files, and to close one anywhere in a process gives up its locks.
                preallocate(log, _HELD_BYTES)

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        """Turn what is no fault of a statement into our errors."""
        try:
            yield
        except dialect.DRIVER_ERRORS as error:
            if dialect.is_storage_full(error):
                raise StorageFull(
                    hint="Free some space on the server's data directory, then try again."
                ) from error
            reason = dialect.why_unavailable(error)
            if reason is None:
                raise
            if not dialect.is_locked(error):
                # What has it open may be of no use any more; the next transaction opens it anew.
                self._engine.dispose()
            raise DatabaseUnavailable(
                f"The server's database can't be used at the moment: {reason}.",
                hint="Try again in a moment; if it stays so, tell the server's operator.",
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
