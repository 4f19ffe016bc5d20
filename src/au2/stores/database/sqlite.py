"""SQLite: connections, transactions, online backup, and the meaning of its errors."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Select,
    column,
    create_engine,
    event,
    select,
    table,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

DRIVER_ERRORS = (DBAPIError, sqlite3.Error)
"""Errors of the driver, wrapped by SQLAlchemy or not."""
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


def make_engine(url: str | URL, busy_seconds: float) -> Engine:
    """Return an engine whose connections use the write-ahead log and explicit transactions."""
    engine = create_engine(url, connect_args={"timeout": busy_seconds, "check_same_thread": False})
    _listen(engine, busy_seconds)
    return engine


def _listen(engine: Engine, busy_seconds: float) -> None:
    """Set up each connection at its opening, and each transaction at its begin."""

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        # None: the driver begins no transaction by itself; on_begin below does.
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
        # By the driver itself: SQLAlchemy's execution costs more than a small statement does.
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
            # SQLite would create an empty file in its place.
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
    """Begin a transaction; ``info`` holds the connection's present pragmas."""
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
    # IMMEDIATE: a writer waits for its lock at the start. A deferred one fails half-way if another
    # connection wrote after its first read.
    driver.execute("BEGIN IMMEDIATE")


def find_log(transaction: Connection) -> Path | None:
    """Return the path of the write-ahead log; None for a database in memory."""
    file = transaction.engine.url.database
    if not file or file == ":memory:":
        return None
    # The first read creates the log, which stays while a connection is open.
    transaction.exec_driver_sql("SELECT 1 FROM sqlite_schema").all()
    return Path(f"{file}-wal")


def save_copy(transaction: Connection, path: Path) -> None:
    """Write a durable copy of the database to a new file.

    SQLite's online backup reads one snapshot and blocks no writer in WAL mode.
    """
    source = transaction.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)  # noqa: S101 - chosen by the URL
    with closing(sqlite3.connect(path)) as target:
        source.backup(target)
        # One file: a write-ahead log beside it could be forgotten by a later copy.
        target.execute("PRAGMA journal_mode = DELETE")


_UNARY_PLUS: custom_op[Any] = custom_op("+")


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column as an expression that no index serves.

    SQLite knows no frequencies of values, so a statement names the index it is to use by
    withholding the columns of the others (https://www.sqlite.org/optoverview.html, section 2.1).
    """
    return UnaryExpression(column, operator=_UNARY_PLUS, type_=column.type)


_JOB_TEXTS = table("job_texts", column("rowid"))
_TRIGRAM = 3


def has_text_index(text: str) -> bool:
    """Whether the index of texts can find a text: in parts of three characters each."""
    return len(text) >= _TRIGRAM and "\0" not in text


def walk_text_index(text: str, before: int | None, limit: int) -> Select[Any]:
    """Return the query for the ids of the newest jobs whose texts may contain a text.

    The index keeps which trigrams a job's texts have, in lower case, and not where (FTS5 with
    ``detail=none``): all jobs with the text are found, and perhaps some more.
    """
    parts = {text[start : start + _TRIGRAM] for start in range(len(text) - _TRIGRAM + 1)}
    terms = " AND ".join('"' + part.replace('"', '""') + '"' for part in sorted(parts))
    row = _JOB_TEXTS.c.rowid
    query = select(row.label("id")).where(column("job_texts").bool_op("MATCH")(terms))
    if before is not None:
        query = query.where(row < before)
    return query.select_from(_JOB_TEXTS).order_by(row.desc()).limit(limit)


def is_storage_full(error: Exception) -> bool:
    """Whether a write failed because the disk is full."""
    code = _sqlite_code(error)
    # SQLite reports a full disk as FULL, or as an I/O error of the write-ahead log.
    return code is not None and (
        code & 0xFF == sqlite3.SQLITE_FULL
        or code
        in {
            sqlite3.SQLITE_IOERR_WRITE,
            sqlite3.SQLITE_IOERR_FSYNC,
            sqlite3.SQLITE_IOERR_SHMSIZE,
        }
    )


def is_locked(error: Exception) -> bool:
    """Whether another connection held its lock for too long."""
    code = _sqlite_code(error)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def why_unavailable(error: Exception) -> str | None:
    """Return why the database as a whole can't be used; None if the statement is at fault."""
    code = _sqlite_code(error)
    if code is None or code & 0xFF not in _UNAVAILABLE:
        return None
    if is_locked(error):
        return "another process keeps it locked"
    return str(getattr(error, "orig", None) or error)


def _sqlite_code(error: Exception) -> int | None:
    """Return SQLite's extended result code, also of an error that SQLAlchemy did not wrap."""
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else None
