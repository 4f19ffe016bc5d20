"""Every difference between SQLite and PostgreSQL, in one file."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

_BUSY_SECONDS = 30


def engine_arguments(url: str) -> dict[str, Any]:
    """Return what ``create_engine`` is given beside the address."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}}
    return {"pool_pre_ping": True}


def prepare_engine(engine: Engine) -> None:
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
            f"busy_timeout = {_BUSY_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        # IMMEDIATE: a writer waits for its turn at the start, so it can't fail half-way
        # because another connection wrote after it had read.
        options = connection.get_execution_options()
        writes = options.get("au2_write", False)
        if writes:
            # Later commits flush the write-ahead log from its beginning, earlier ones included.
            synchronous = "FULL" if options.get("au2_durable", True) else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous = {synchronous}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def is_storage_full(error: OperationalError) -> bool:
    """Whether the database could not write for lack of room."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        # SQLite reports a full disk as FULL, or as an I/O error of the write-ahead log.
        return code & 0xFF == sqlite3.SQLITE_FULL or code in {
            sqlite3.SQLITE_IOERR_WRITE,
            sqlite3.SQLITE_IOERR_FSYNC,
            sqlite3.SQLITE_IOERR_SHMSIZE,
        }
    return getattr(error.orig, "sqlstate", None) == "53100"
