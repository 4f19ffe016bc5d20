"""A dispatcher goes on: after a long pause, with a locked database, without its folders."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from au2.domain.jobs.job import JobState
from au2.engines.fake.program import Print, Step, Wait
from au2.stores.database.tables import jobs
from tests.support.servers.backend import OPERATOR
from tests.support.servers.dispatching import Installation, open_installation
from tests.support.servers.live import client_of
from tests.support.waiting import wait_until

LINES = [f"line {number}" for number in range(100)]


def print_lines(first: int, end: int) -> list[Step]:
    return [Print(f"{line}\n".encode()) for line in LINES[first:end]]


COUNT = (*print_lines(0, 50), Print(b"half\n"), Wait(), *print_lines(50, 100))
COUNTED = [*LINES[:50], "half", *LINES[50:]]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation that does not wait long for a locked database."""
    with open_installation(tmp_path, busy_seconds=0.05) as installation:
        yield installation


def claim_of(installation: Installation, job_id: int) -> tuple[int, float]:
    """The fencing token of a job, and when its claim ends."""
    with installation.backend.database.read() as transaction:
        row = transaction.execute(select(jobs).where(jobs.c.id == job_id)).one()
    return row.claim_token, row.claim_expires_at.timestamp() if row.claim_expires_at else 0.0


@pytest.mark.slow
def test_a_pause_longer_than_the_lease(installation: Installation) -> None:
    """As after SIGSTOP, or of a machine that slept: all claims are over when it goes on."""
    with installation.dispatching():
        job = installation.submit(*COUNT)
        installation.wait_for_line(job, "half")
        before = installation.backend.clock()
        installation.backend.clock.move(seconds=3 * 30)
        wait_until(lambda: claim_of(installation, job)[1] > before.timestamp() + 3 * 30)
        installation.resume(job)
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED
        assert claim_of(installation, job)[0] == 1, "nobody else has claimed it"
    assert installation.lines(job) == COUNTED


def test_a_locked_database(installation: Installation, caplog: pytest.LogCaptureFixture) -> None:
    with installation.dispatching() as thread:
        job = installation.submit(*COUNT)
        installation.wait_for_line(job, "half")
        waiting = installation.submit(Print(b"waited\n"))
        installation.wait_for_end(waiting)
        with installation.locked_database():
            installation.resume(job)
            installation.wait_for_line(job, "line 99")
            wait_until(lambda: f"job {job} can't be written yet" in caplog.text)
            wait_until(lambda: "taking jobs" in caplog.text)
            assert thread.is_alive()
            assert installation.job(job).state is JobState.RUNNING
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED
    assert installation.lines(job) == COUNTED
    assert "Traceback" not in caplog.text


@pytest.mark.slow
def test_the_api_while_the_database_is_locked(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(installation.backend.app()) as client:
        client.headers.update(installation.backend.bearer(OPERATOR))
        with installation.locked_database():
            answers = [client.post("/organizations", json={"name": "New"}) for _ in range(3)]
            assert client.get("/organizations").status_code == 200, "reading goes on"
        for answer in answers:
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["error"]["code"] == "database-unavailable"
        assert client.post("/organizations", json={"name": "New"}).status_code == 201
    assert "Traceback" not in caplog.text
    assert caplog.text.count("the database is unavailable") == 1, "said once a minute"


def test_a_database_that_is_gone_for_a_while(installation: Installation) -> None:
    file = installation.backend.folder / "database" / "au2.sqlite3"
    with installation.dispatching() as thread:
        job = installation.submit(*COUNT)
        installation.wait_for_line(job, "half")
        file.parent.rename(file.parent.with_name("away"))
        installation.resume(job)
        installation.wait_for_line(job, "line 99")
        assert thread.is_alive()
        assert not file.exists(), "no empty one is made in its place"
        file.parent.with_name("away").rename(file.parent)
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED


def test_the_folder_of_notices_is_removed(installation: Installation) -> None:
    with installation.dispatching():
        shutil.rmtree(installation.backend.folder / "notices")
        job = installation.submit(Print(b"ran\n"))
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED
