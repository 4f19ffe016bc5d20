from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from au2.domain.context import Context
from au2.stores.database import jobs
from au2.stores.database.database import Database
from au2.stores.database.jobs import JobFilter

PROJECT = Context("20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0", "8283de3e-2cce-4bc8-a523-0c7f84399530")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_file(tmp_path / "au2.sqlite3")
    database.migrate()
    yield database
    database.close()


def explain(database: Database, context: Context, wanted: JobFilter) -> str:
    """How SQLite finds the jobs of a list."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    with database.read() as transaction:
        event.listen(transaction, "before_cursor_execute", note)
        jobs.list_jobs(transaction, context, wanted, limit=50)
        statement, parameters = statements[0]
        rows = transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return " ".join(str(row.detail) for row in rows)


@pytest.mark.parametrize("context", [PROJECT, Context(PROJECT.organization_id)])
@pytest.mark.parametrize("before", [None, 12])
def test_one_person_s_jobs_are_found_by_an_index(
    database: Database, context: Context, before: int | None
) -> None:
    plan = explain(database, context, JobFilter(submitted_by="me@example.com", before=before))

    assert "ix_jobs_submitter" in plan
    assert "TEMP B-TREE" not in plan
