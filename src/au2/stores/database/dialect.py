"""Every difference between SQLite and PostgreSQL, in one file."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

DRIVER_ERRORS = (DBAPIError, sqlite3.Error)
"""Whatever went wrong below a transaction."""
_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
_SYNCHRONOUS, _BUSY = "au2_synchronous", "au2_busy"
_IMPATIENT_MILLISECONDS = 50


def engine_arguments(url: URL, busy_seconds: float) -> dict[str, Any]:
    """Return what ``create_engine`` is given beside the address."""
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": busy_seconds, "check_same_thread": False}}
    return {"pool_pre_ping": True}


def prepare_engine(engine: Engine, busy_seconds: float) -> None:
    """Set up connections as they are made."""
    if engine.dialect.name != "sqlite":
        return

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        # None: the driver begins nothing by itself; on_begin below does.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            # FULL: a job whose submission was answered survives a power cut.
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {busy_milliseconds}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        # Straight to the driver: SQLAlchemy's way costs more than a small statement does.
        driver = connection.connection.driver_connection
        try:
            _begin(driver, connection.info, options, busy_milliseconds)
        except sqlite3.OperationalError as error:
            raise OperationalError("BEGIN", None, error) from error

    busy_milliseconds = int(busy_seconds * 1000)
    file, was_there = Path(engine.url.database or ":memory:"), False

    def on_do_connect(*_: object) -> None:
        nonlocal was_there
        if was_there and not file.exists():
            # SQLite would make an empty one in its place.
            gone = sqlite3.OperationalError(f"{file} is not there any more")
            gone.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise gone
        was_there = was_there or file.exists()

    event.listen(engine, "do_connect", on_do_connect)
    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _begin(
    driver: Any, info: dict[Any, Any], options: Mapping[str, Any], busy_milliseconds: int
) -> None:
    """Begin a transaction; ``info`` is what is remembered of the connection."""
    if not options.get("au2_write", False):
        driver.execute("BEGIN")
        return
    # Later commits flush the write-ahead log from its beginning, earlier ones included.
    synchronous = "FULL" if options.get("au2_durable", True) else "NORMAL"
    if info.get(_SYNCHRONOUS) != synchronous:
        driver.execute(f"PRAGMA synchronous = {synchronous}")
        info[_SYNCHRONOUS] = synchronous
    milliseconds = (
        busy_milliseconds if options.get("au2_patient", True) else _IMPATIENT_MILLISECONDS
    )
    if info.get(_BUSY, busy_milliseconds) != milliseconds:
        driver.execute(f"PRAGMA busy_timeout = {milliseconds}")
        info[_BUSY] = milliseconds
    # IMMEDIATE: a writer waits for its turn at the start, so it can't fail half-way because another
    # connection wrote after it had read.
    driver.execute("BEGIN IMMEDIATE")


def find_log(transaction: Connection) -> Path | None:
    """Return the write-ahead log that lies on this machine, in use; None if there is none."""
    file = transaction.engine.url.database
    if transaction.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    # Opened by what reads first, and there as long as anybody has the database open.
    transaction.exec_driver_sql("SELECT 1 FROM sqlite_schema").all()
    return Path(f"{file}-wal")


def save_copy(transaction: Connection, path: Path) -> None:
    """Write a copy of an SQLite database to a new file, durable when this returns.

    By SQLite's online backup: it reads one state, and keeps no writer waiting in WAL mode.
    """
    source = transaction.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)  # noqa: S101 - chosen by the address
    with closing(sqlite3.connect(path)) as target:
        source.backup(target)
        # One file, with no write-ahead log beside it that a copy could lose.
        target.execute("PRAGMA journal_mode = DELETE")


def is_storage_full(error: Exception) -> bool:
    """Whether the database could not write for lack of room."""
    code = _sqlite_code(error)
    if code is not None:
        # SQLite reports a full disk as FULL, or as an I/O error of the write-ahead log.
        return code & 0xFF == sqlite3.SQLITE_FULL or code in {
            sqlite3.SQLITE_IOERR_WRITE,
            sqlite3.SQLITE_IOERR_FSYNC,
            sqlite3.SQLITE_IOERR_SHMSIZE,
        }
    return _sqlstate(error) == "53100"


def is_locked(error: Exception) -> bool:
    """Whether somebody else had the database locked for too long."""
    code = _sqlite_code(error)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def why_unavailable(error: Exception) -> str | None:
    """Return why the database as a whole can't be used; None where the statement is to blame."""
    code = _sqlite_code(error)
    if code is not None:
        if code & 0xFF not in _UNAVAILABLE:
            return None
        if is_locked(error):
            return "somebody keeps it locked"
        return str(getattr(error, "orig", None) or error)
    state = _sqlstate(error) or ""
    if getattr(error, "connection_invalidated", False) or state.startswith(("08", "57P")):
        return "it does not answer"
    return None


def _sqlite_code(error: Exception) -> int | None:
    """The extended result code of SQLite, also of an error that SQLAlchemy did not wrap."""
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else None


def _sqlstate(error: Exception) -> str | None:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else None
