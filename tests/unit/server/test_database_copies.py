"""The copy of the database before a migration."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command

from au2.domain.errors import StorageFull, WrongSchema
from au2.server.data_directory import DataDirectory
from au2.server.database_copies import list_copies, migrate_with_copy
from au2.server.wiring.stores import open_database, opened_to_write
from au2.stores.database.database import Database, make_config
from tests.support.machine.memory_disk import mounted_in_memory

USER = "INSERT INTO users VALUES ('id', 'ada@example.com', 'hash', 1, '2026-01-01 00:00:00.000000')"


def write_released_database(data: DataDirectory) -> None:
    """Write a database as the version of au2 with revision 0004 left it."""
    data.create()
    with closing(open_database(data)) as database, database.write() as transaction:
        config = make_config()
        config.attributes["connection"] = transaction
        command.upgrade(config, "0004")
        transaction.exec_driver_sql(USER)


def revision_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    data = DataDirectory(tmp_path / "D")
    write_released_database(data)
    return data


@pytest.fixture
def database(data: DataDirectory) -> Iterator[Database]:
    with closing(open_database(data)) as database:
        yield database


def test_a_migration_keeps_the_database_from_before(data: DataDirectory) -> None:
    with opened_to_write(data):
        pass

    [copy] = list_copies(data)
    assert revision_of(copy.path) == "0004"
    assert "revision-0004" in copy.path.name
    assert copy.path.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy.path)) as old:
        assert old.execute("SELECT email FROM users").fetchall() == [("ada@example.com",)]
    assert revision_of(data.database_file) > "0004"


def test_nothing_is_copied_without_a_migration(data: DataDirectory, database: Database) -> None:
    migrate_with_copy(data, database)
    before = list_copies(data)
    migrate_with_copy(data, database)
    assert list_copies(data) == before

    new = DataDirectory(data.root.with_name("new"))
    new.create()
    with closing(open_database(new)) as empty:
        migrate_with_copy(new, empty)
    assert list_copies(new) == []


def test_a_newer_database_is_neither_copied_nor_changed(
    data: DataDirectory, database: Database
) -> None:
    with database.write() as transaction:
        transaction.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WrongSchema):
        migrate_with_copy(data, database)
    assert list_copies(data) == []


def test_only_the_last_copies_stay(data: DataDirectory, database: Database) -> None:
    data.database_copies.mkdir()
    for year in range(2020, 2026):
        (data.database_copies / f"{year}0101T000000Z-revision-0003.sqlite3").touch()
    others = data.database_copies / "mine.sqlite3"
    others.touch()

    migrate_with_copy(data, database)

    names = [copy.path.name[:4] for copy in list_copies(data)]
    assert names[:2] == ["2024", "2025"]
    assert len(names) == 3
    assert others.exists()


def test_without_space_nothing_is_changed(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted_in_memory(folder, "20m"):
        data = DataDirectory(folder / "D")
        write_released_database(data)
        with (folder / "other").open("wb") as other:
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
            os.posix_fallocate(other.fileno(), 0, free - (8 << 20))

        with closing(open_database(data)) as database, pytest.raises(StorageFull) as full:
            migrate_with_copy(data, database)

        assert "no space for the copy of the database" in full.value.message
        assert "are free. Nothing was changed." in full.value.message
        assert list_copies(data) == []
        assert revision_of(data.database_file) == "0004"
