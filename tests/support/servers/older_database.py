"""A database as an older version of au2 left it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command

from au2.stores.database.database import Database, make_config


def make_older(file: Path, revision: str) -> None:
    """Replace a database by one of an older revision, with the rows that fit there."""
    older = file.with_name("older.sqlite3")
    with closing(Database.open_file(older)) as database, database.write() as transaction:
        config = make_config()
        config.attributes["connection"] = transaction
        command.upgrade(config, revision)
    with closing(sqlite3.connect(older)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("ATTACH ? AS newer", (str(file),))
        tables = target.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
        for (name,) in tables.fetchall():
            if name != "alembic_version" and not name.startswith("sqlite_"):
                columns = ", ".join(_common_columns(target, name))
                target.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM newer.{name}")
        target.commit()
        target.execute("PRAGMA journal_mode = DELETE")
    older.replace(file)


def read_revision(file: Path) -> str:
    """Return the revision of a database's tables."""
    with closing(sqlite3.connect(file)) as database:
        [(revision,)] = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(revision)


def _common_columns(database: sqlite3.Connection, table: str) -> list[str]:
    old, new = (
        [row[1] for row in database.execute(f"PRAGMA {schema}.table_info({table})")]
        for schema in ("main", "newer")
    )
    return [name for name in old if name in new]
