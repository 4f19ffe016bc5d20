"""Lists of jobs, the first page of 50, in a database with a million jobs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import insert, text

from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, JobType
from au2.stores.database.database import Database
from au2.stores.database.job_lists import JobFilter, list_jobs, list_jobs_of_owners
from au2.stores.database.tables import organizations, processes, projects
from bench.series import Line, Series, alone

JOBS: Final = 1_000_000
LIMIT_MS: Final = 50
_PROJECTS: Final = 5
_PROCESSES: Final = 20
_PEOPLE: Final = 8
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ORGANIZATION: Final = "0" * 36
# The last of a hundred jobs fails, one of ten thousand uploads, the newest four are open. The first
# project has nine tenths of the jobs; a person of its own has run five jobs long ago.
_FILL: Final = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :jobs),
kinds AS (
    SELECT n, iif(n % 10000 = 7, :upload, :run) AS type,
        CASE WHEN n > :jobs - 2 THEN 'PENDING' WHEN n > :jobs - 4 THEN 'RUNNING'
            WHEN n % 100 = 99 THEN 'FAILED' WHEN n = 5000 THEN 'STOPPED' ELSE 'SUCCEEDED'
        END AS state
    FROM numbers
)
INSERT INTO jobs (id, type, state, name, organization_id, project_id, process_id, version_number,
    submitted_by, created_at, ended_at, reason, reason_text, status_text, request, attempt_count,
    claim_token)
SELECT n, type, state, 'forecast-' || (n % :processes), :organization,
    printf('%036d', iif(n % 10 = 0, 1 + n / 10 % (:projects - 1), 0)),
    printf('%036d', n % :processes), 1,
    iif(n BETWEEN 1000 AND 1004, 'rare', 'person' || (n / 7 % :people)) || '@example.com',
    datetime('2026-01-01', '+' || n || ' seconds'), datetime('2026-01-01'),
    iif(state = 'FAILED', 'exit-code', NULL),
    iif(state = 'FAILED', 'The code ended with exit code ' || (n % 250) || '.', NULL),
    iif(n % 3 = 0, 'step ' || n || ' of the month', NULL),
    '{"arguments": {}, "environment": {}, "resources": {"cpu": 1.0, "memory_bytes": 536870912, '
    || '"processes": 512, "timeout_seconds": 3600.0, "network": "internet"}, "secrets": {}}', 1, 1
FROM kinds
"""


def _guid(number: int) -> str:
    return f"{number:036}"


def fill(database: Database, count: int) -> None:
    """Insert ``count`` jobs of one organization with five projects."""
    by: dict[str, Any] = {"created_at": _AT, "created_by": "me@example.com"}
    with database.write(durable=False) as transaction:
        transaction.execute(insert(organizations).values(id=_ORGANIZATION, name="Acme", **by))
        transaction.execute(
            insert(projects).values(organization_id=_ORGANIZATION, **by),
            [{"id": _guid(number), "name": f"p{number}"} for number in range(_PROJECTS)],
        )
        changed = {"updated_at": _AT, "updated_by": "me@example.com"}
        empty = {"description": "", "tags": [], "version_counter": 1}
        transaction.execute(
            insert(processes).values(organization_id=_ORGANIZATION, **by, **changed, **empty),
            [{"id": _guid(number), "name": f"p{number}"} for number in range(_PROCESSES)],
        )
        names = {"organization": _ORGANIZATION, "upload": JobType.UPLOAD, "run": JobType.RUN}
        sizes = {"projects": _PROJECTS, "processes": _PROCESSES, "people": _PEOPLE}
        transaction.execute(text(_FILL), {"jobs": count, **names, **sizes})


def make_filters() -> Iterator[tuple[str, JobFilter]]:
    """Yield each filter with its name: frequent, rare and without any job."""
    yield "none", JobFilter()
    yield "next page", JobFilter(before=JOBS // 2)
    for state in JobState:
        yield f"state {state}", JobFilter(state=state)
        yield f"state {state}, mine", JobFilter(state=state, submitted_by="person1@example.com")
        yield f"state {state}, process", JobFilter(state=state, process_id=_guid(3))
        yield f"state {state}, upload", JobFilter(state=state, type=JobType.UPLOAD)
    yield "type run", JobFilter(type=JobType.RUN)
    yield "type upload", JobFilter(type=JobType.UPLOAD)
    yield "upload, process", JobFilter(type=JobType.UPLOAD, process_id=_guid(7))
    yield "upload, other process", JobFilter(type=JobType.UPLOAD, process_id=_guid(8))
    yield "process", JobFilter(process_id=_guid(3))
    yield "no such process", JobFilter(process_id=_guid(999))
    for person in ("person1", "rare", "nobody"):
        yield f"of {person}", JobFilter(submitted_by=f"{person}@example.com")
        yield (
            f"of {person}, process",
            JobFilter(submitted_by=f"{person}@example.com", process_id=_guid(4)),
        )
    words = ("forecast", "FORECAST-1", "month", "exit code 249", "step 123453 of", "no such text")
    for word in (*words, "zzz", "for"):
        yield f"search '{word}'", JobFilter(search=word)
        yield f"search '{word}', FAILED", JobFilter(search=word, state=JobState.FAILED)
        yield f"search '{word}', STOPPED", JobFilter(search=word, state=JobState.STOPPED)
        yield f"search '{word}', upload", JobFilter(search=word, type=JobType.UPLOAD)
        yield f"search '{word}', process", JobFilter(search=word, process_id=_guid(3))
        yield f"search '{word}', mine", JobFilter(search=word, submitted_by="rare@example.com")


def measure_each(database: Database, rounds: int) -> Iterator[tuple[str, Series]]:
    """Yield each filter's name with its series: in a project, and in the organization."""
    contexts = [Context(_ORGANIZATION, _guid(number)) for number in (0, 1)]
    for name, wanted in make_filters():
        for context in contexts:
            series = Series()
            for _ in range(rounds):
                with series.timing(), database.read() as transaction:
                    list_jobs(transaction, context, wanted, limit=51, brief=True)
            yield f"{name}, project {context.project_id[-1:] if context.project_id else ''}", series
        series = Series()
        for _ in range(rounds):
            with series.timing(), database.read() as transaction:
                owners = [Context(_ORGANIZATION)]
                list_jobs_of_owners(transaction, owners, wanted, limit=51, brief=True)
        yield f"{name}, everywhere", series


def measure_job_lists(rounds: int) -> Line:
    """Measure the slowest filter: median and p95 of its rounds."""
    with TemporaryDirectory() as folder:
        database = Database.open_file(Path(folder) / "au2.sqlite3")
        try:
            database.migrate()
            fill(database, JOBS)
            slowest = max(
                (series for _, series in measure_each(database, rounds)), key=lambda it: it.p95
            )
        finally:
            database.close()
    return alone("job list, first page of 1,000,000 jobs, slowest filter", "ms", slowest, LIMIT_MS)
