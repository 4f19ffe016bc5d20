from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from au2.domain.accounts.context import Context
from au2.stores.database import job_lists, jobs
from au2.stores.database.database import Database, Transaction
from au2.stores.database.job_lists import JobFilter

PROJECT = Context("20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0", "8283de3e-2cce-4bc8-a523-0c7f84399530")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_file(tmp_path / "au2.sqlite3")
    database.migrate()
    yield database
    database.close()


def explain(database: Database, read: Callable[[Transaction], object]) -> str:
    """How SQLite finds the rows of a function's first statement."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    with database.read() as transaction:
        event.listen(transaction, "before_cursor_execute", note)
        read(transaction)
        statement, parameters = statements[0]
        rows = transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return " ".join(str(row.detail) for row in rows)


@pytest.mark.parametrize("context", [PROJECT, Context(PROJECT.organization_id)])
@pytest.mark.parametrize("before", [None, 12])
def test_one_person_s_jobs_are_found_by_an_index(
    database: Database, context: Context, before: int | None
) -> None:
    wanted = JobFilter(submitted_by="me@example.com", before=before)
    plan = explain(database, lambda t: job_lists.list_jobs(t, context, wanted, limit=50))

    assert "ix_jobs_submitter" in plan
    assert "TEMP B-TREE" not in plan


def test_all_jobs_of_an_organization_are_found_by_an_index(database: Database) -> None:
    owner = Context(PROJECT.organization_id)
    plan = explain(
        database, lambda t: job_lists.list_jobs_of_owners(t, [owner], JobFilter(before=9), limit=50)
    )

    assert "ix_jobs_organization" in plan
    assert "TEMP B-TREE" not in plan


def test_the_last_run_of_a_process_is_found_by_an_index(database: Database) -> None:
    plan = explain(database, lambda t: jobs.find_last_runs(t, ["p", "q"], PROJECT))

    assert "ix_jobs_process_context" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
