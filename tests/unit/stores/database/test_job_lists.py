"""Lists of jobs by conditions: the same jobs as by looking at each, and found by an index."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, update

from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, JobType
from au2.stores.database.database import Database, Transaction
from au2.stores.database.job_lists import JobFilter, list_jobs, list_jobs_of_owners
from au2.stores.database.tables import jobs, organizations, processes, projects

AT = datetime(2026, 1, 1, tzinfo=UTC)
ORGANIZATIONS = ("o1", "o2")
CONTEXTS = [
    Context(organization, project and f"{organization}{project}")
    for organization, project in product(ORGANIZATIONS, (None, "p1", "p2"))
]
PROCESSES = ("a", "b")
PEOPLE = ("me@example.com", "you@example.com")
TEXTS = (
    "forecast",
    "Forecast of Ünder-100% \\_/",
    'say "hi" AND * NEAR(x)',
    "天気予報です",
    "it's over\x00there",
    "ab",
)
SEARCHES = (*TEXTS, "", "fore", "FOREC", "ünder", "00% \\_", '"hi"', "AND *", "予報で", "zzz", "b")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_file(tmp_path / "au2.sqlite3")
    database.migrate()
    by: dict[str, Any] = {"created_at": AT, "created_by": "me"}
    with database.write() as transaction:
        for organization in ORGANIZATIONS:
            transaction.execute(
                insert(organizations).values(id=organization, name=organization, **by)
            )
        for context in CONTEXTS:
            if context.project_id is not None:
                owner = {"organization_id": context.organization_id, "name": "p"}
                transaction.execute(insert(projects).values(id=context.project_id, **owner, **by))
        for process in PROCESSES:
            empty = {"description": "", "tags": [], "version_counter": 1}
            changed = {"updated_at": AT, "updated_by": "me"}
            values = {"id": process, "name": process, "organization_id": "o1"}
            transaction.execute(insert(processes).values(**values, **empty, **changed, **by))
    yield database
    database.close()


def make_row(random: Random) -> dict[str, Any]:
    context = random.choice(CONTEXTS)
    return {
        "type": random.choice(list(JobType)).value,
        "state": random.choice(list(JobState)).value,
        "name": random.choice(TEXTS),
        "organization_id": context.organization_id,
        "project_id": context.project_id,
        "process_id": random.choice(PROCESSES),
        "version_number": 1,
        "submitted_by": random.choice(PEOPLE),
        "created_at": AT,
        "reason_text": random.choice((None, *TEXTS)),
        "status_text": random.choice((None, *TEXTS)),
        "attempt_count": 0,
        "claim_token": 0,
    }


def find_all(transaction: Transaction, owners: list[Context], wanted: JobFilter) -> list[int]:
    """The ids of all fitting jobs, by SQL that looks at each job."""
    texts = (jobs.c.name, jobs.c.reason_text, jobs.c.status_text)
    fits = [text.icontains(wanted.search or "", autoescape=True).label(text.name) for text in texts]
    found = transaction.execute(select(jobs.c.id, jobs, *fits).order_by(jobs.c.id.desc())).all()
    return [
        row[0]
        for row in found
        if any(is_of(owner, row) for owner in owners)
        and (wanted.search is None or any(row[-len(fits) :]))
        and wanted.state in (None, row.state)
        and wanted.type in (None, row.type)
        and wanted.process_id in (None, row.process_id)
        and wanted.submitted_by in (None, row.submitted_by)
        and (wanted.before is None or row.id < wanted.before)
    ]


def is_of(owner: Context, row: Any) -> bool:
    return owner.organization_id == row.organization_id and owner.project_id in (
        None,
        row.project_id,
    )


def make_filter(random: Random) -> JobFilter:
    return JobFilter(
        state=random.choice((None, *JobState)),
        type=random.choice((None, None, *JobType)),
        process_id=random.choice((None, *PROCESSES)),
        submitted_by=random.choice((None, *PEOPLE)),
        search=random.choice((None, *SEARCHES)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_pages_together_are_all_jobs_that_fit(database: Database, seed: int) -> None:
    random = Random(seed)
    with database.write() as transaction:
        for _ in range(400):
            transaction.execute(insert(jobs).values(make_row(random)))
        for _ in range(100):
            there = jobs.c.id == random.randint(1, 400)
            transaction.execute(update(jobs).where(there).values(make_row(random)))
        transaction.execute(delete(jobs).where(jobs.c.id == random.randint(1, 400)))
    with database.read() as transaction:
        for _ in range(80):
            wanted, limit = make_filter(random), random.randint(1, 30)
            context = random.choice(CONTEXTS)
            exactly = [
                it
                for it in find_all(transaction, [context], wanted)
                if is_exactly(transaction, it, context)
            ]
            paged: list[int] = []
            page = wanted
            while found := list_jobs(transaction, context, page, limit=limit):
                paged += [job.id for job in found]
                page = replace(page, before=paged[-1])
            assert paged == exactly, wanted
            owners = random.sample(CONTEXTS, 2)
            everywhere = list_jobs_of_owners(transaction, owners, wanted, limit=limit)
            assert [job.id for job in everywhere] == find_all(transaction, owners, wanted)[:limit]


def is_exactly(transaction: Transaction, job_id: int, context: Context) -> bool:
    found = transaction.execute(select(jobs.c.project_id).where(jobs.c.id == job_id)).scalar_one()
    return bool(found == context.project_id)


def test_a_page_stays_right_while_jobs_come_and_change_between_pages(database: Database) -> None:
    random = Random(9)
    context, wanted = CONTEXTS[1], JobFilter(search="forecast", type=JobType.RUN)
    with database.write() as transaction:
        for _ in range(300):
            transaction.execute(insert(jobs).values(make_row(random)))
        transaction.execute(update(jobs).values(status_text="forecast", type=JobType.RUN.value))
        expected = [job.id for job in list_jobs(transaction, context, wanted, limit=1000)]
    assert len(expected) > 30
    seen: list[int] = []
    page = wanted
    while True:
        with database.write() as transaction:
            found = [job.id for job in list_jobs(transaction, context, page, limit=7)]
            if not found:
                break
            seen += found
            page = replace(page, before=seen[-1])
            # The job that the next page begins below is gone; a new one has come at the top.
            transaction.execute(delete(jobs).where(jobs.c.id == seen[-1]))
            transaction.execute(insert(jobs).values(make_row(random)))
    assert seen == expected


OWNED = [(False, Context("o1")), (False, CONTEXTS[1]), (True, Context("o1"))]


FILTERS = [
    JobFilter(*values)
    for values in product(
        *((None, JobState.FAILED), (None, JobType.UPLOAD), (None, "a")),
        *((None, "me@example.com"), (None, "forecast"), (None, 12)),
    )
]


@pytest.mark.parametrize(("everywhere", "context"), OWNED)
def test_no_filter_reads_the_whole_table(
    database: Database, context: Context, *, everywhere: bool
) -> None:
    with database.read() as transaction:
        for wanted in FILTERS:
            for plan in explain(transaction, wanted, context, everywhere=everywhere):
                check_plan(plan, wanted)


def check_plan(plan: list[str], wanted: JobFilter) -> None:
    """Each read of the table is a look-up; what is sorted are the few ids of several look-ups."""
    reads = [step for step in plan if " jobs" in f" {step}" and "job_" not in step]
    for step in reads:
        assert step.startswith("SEARCH"), plan
        assert "id=?" in step or "submitted_by=?" in step, plan
    # Sorted are ids of several look-ups, at most a page each, or names; never the table's rows.
    for step, following in pairwise(plan):
        if step.startswith("SEARCH jobs"):
            assert "TEMP B-TREE" not in following, plan
    if wanted.search is None:
        assert not any("SCAN job_texts" in step for step in plan)


def explain(
    transaction: Transaction, wanted: JobFilter, context: Context, *, everywhere: bool
) -> list[list[str]]:
    """How SQLite finds the rows, for each statement of a list."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(transaction, "before_cursor_execute", note)
    if everywhere:
        list_jobs_of_owners(transaction, [context], wanted, limit=50)
    else:
        list_jobs(transaction, context, wanted, limit=50)
    event.remove(transaction, "before_cursor_execute", note)
    return [
        [
            str(row.detail)
            for row in transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
        for statement, parameters in statements
    ]
