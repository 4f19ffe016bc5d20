"""Which commits survive a power cut: those flush the write-ahead log, others wait for the next."""

from pathlib import Path

import pytest
from sqlalchemy import text

from au2.stores.database.database import Database


@pytest.fixture
def database(tmp_path: Path):
    database = Database.open_file(tmp_path / "database" / "au2.sqlite3")
    database.migrate()
    yield database
    database.close()


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_a_commit_flushes_only_where_it_must(database: Database, durable: bool, level: int):
    for _ in range(2):
        with database.write(durable=durable) as transaction:
            found = transaction.execute(text("PRAGMA synchronous")).scalar_one()
    assert found == level


def test_a_durable_commit_follows_one_that_is_not_on_the_same_connection(database: Database):
    with database.write(durable=False):
        pass
    with database.write() as transaction:
        assert transaction.execute(text("PRAGMA synchronous")).scalar_one() == 2
