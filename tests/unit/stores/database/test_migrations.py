from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from au2.stores.database import migrations
from au2.stores.database.database import Database
from au2.stores.database.tables import metadata


@pytest.fixture
def database(tmp_path: Path):
    database = Database.open_file(tmp_path / "database" / "au2.sqlite3")
    database.migrate()
    yield database
    database.close()


def is_of_the_code(name: str | None, kind: str, _parents: object) -> bool:
    """Whether SQLAlchemy is to know of it: not the full-text index, which is SQLite's alone."""
    return kind != "table" or not str(name).startswith("job_texts")


def test_migrations_make_exactly_the_tables_of_the_code(database: Database):
    with database.read() as transaction:
        opts = {"compare_type": True, "include_name": is_of_the_code}
        context = MigrationContext.configure(transaction, opts=opts)
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(database: Database):
    database.migrate()
    files = Path(migrations.__file__).parent.glob("versions/[0-9]*.py")
    newest = max(file.name.partition("_")[0] for file in files)
    with database.read() as transaction:
        assert MigrationContext.configure(transaction).get_current_revision() == newest


def test_the_database_is_for_root_only(database: Database, tmp_path: Path):
    assert (tmp_path / "database").stat().st_mode & 0o777 == 0o700
