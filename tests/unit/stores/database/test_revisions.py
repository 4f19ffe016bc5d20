"""Databases of other versions of au2."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from au2.domain.errors import WrongSchema
from au2.stores.database.database import Database, find_revision, make_config


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_file(tmp_path / "database" / "au2.sqlite3")
    yield database
    database.close()


def set_revision(database: Database, revision: str) -> None:
    with database.write() as transaction:
        transaction.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def revision_of(database: Database) -> str | None:
    with database.read() as transaction:
        return find_revision(transaction)


def test_a_newer_database_is_refused_in_one_sentence(database: Database) -> None:
    database.migrate()
    set_revision(database, "9999")
    for act in (database.migrate, database.ensure_current):
        with pytest.raises(WrongSchema, match=r"newer au2 \(revision 9999; .* up to \d{4}\)"):
            act()
    assert revision_of(database) == "9999"


def test_an_older_database_is_not_changed_by_reading(database: Database) -> None:
    config = make_config()
    with database.write() as transaction:
        config.attributes["connection"] = transaction
        command.upgrade(config, "0002")
    with pytest.raises(WrongSchema, match="older au2 \\(revision 0002"):
        database.ensure_current()
    assert revision_of(database) == "0002"
    database.migrate()
    database.ensure_current()


def test_an_empty_database_is_no_current_one(database: Database) -> None:
    with pytest.raises(WrongSchema, match="revision none"):
        database.ensure_current()
    assert revision_of(database) is None


def test_a_copy_is_one_file_and_whole(database: Database, tmp_path: Path) -> None:
    database.migrate()
    copy = tmp_path / "copy" / "au2.sqlite3"
    copy.parent.mkdir()
    with database.write(), database.read():
        database.save_copy(copy)  # Also while others write.
    assert [path.name for path in copy.parent.iterdir()] == ["au2.sqlite3"]
    other = Database.open_file(copy)
    other.ensure_current()
    other.close()
