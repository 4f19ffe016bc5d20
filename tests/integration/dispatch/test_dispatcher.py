"""The dispatcher goes on: after a long pause, with a locked database, without its folders."""

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from au2.app.jobs.jobs import RunOrder
from au2.domain.context import Context
from au2.domain.job import Job, JobState
from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.stores.database.tables import jobs
from au2.stores.logs.record import parse_records
from tests.support.busybox import make_image
from tests.support.dispatching import dispatching
from tests.support.live import client_of
from tests.support.waiting import wait_until
from tests.support.world import OPERATOR, World, open_world

COUNT = """
i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); usleep 2000; done; echo half
until [ -e /run/au2/go ]; do usleep 10000; done
while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); usleep 2000; done
"""
LINES = [f"line {number}" for number in range(100)]


@dataclass
class House:
    """An installation whose dispatcher runs in this process."""

    world: World
    engine: NativeEngine
    context: Context
    process: str

    def submit(self, script: str) -> int:
        order = RunOrder(self.process, environment={"SCRIPT": script})
        actor = self.world.actor(OPERATOR)
        return self.world.services.jobs.submit_run(actor, self.context, order).id

    def job(self, job_id: int) -> Job:
        return self.world.job(job_id)

    def lines(self, job_id: int) -> list[str]:
        records, _ = parse_records(self.world.logs.read(job_id, 1, offset=0, limit_bytes=1 << 20))
        return [record.content.decode() for record in records]

    def let_go(self, job_id: int) -> None:
        (self.world.folder / "containers" / f"job-{job_id}-1" / "files" / "go").touch()

    def wait_for_end(self, job_id: int) -> Job:
        wait_until(lambda: self.job(job_id).state.is_final)
        return self.job(job_id)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep everybody else from writing to the database."""
        file = self.world.folder / "database" / "au2.sqlite3"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


@pytest.fixture
def house(tmp_path: Path, busybox_layer: bytes) -> Iterator[House]:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o711)
    run_dir = Path("/run") / f"au2-test-{uuid.uuid4().hex[:12]}"
    with open_world(tmp_path, busy_seconds=0.05) as world:
        engine = NativeEngine(world.blobs, tmp_path, run_dir, NativeOptions())
        image = make_image([busybox_layer], command=("/bin/sh", "-c", 'eval "$SCRIPT"'))
        context = world.organization()
        process = world.process(context)
        world.version(process, image_digest=image.save(world.blobs))
        yield House(world, engine, context, process)
        engine.uninstall()


def test_a_pause_longer_than_the_lease(house: House) -> None:
    """As after SIGSTOP, or of a machine that slept: all claims are over when it goes on."""
    with dispatching(house.world, house.engine):
        job = house.submit(COUNT)
        wait_until(lambda: "half" in house.lines(job))
        before = house.world.clock()
        house.world.clock.move(seconds=3 * 30)
        wait_until(lambda: claim_of(house, job)[1] > before.timestamp() + 3 * 30)
        house.let_go(job)
        assert house.wait_for_end(job).state is JobState.SUCCEEDED
        assert claim_of(house, job)[0] == 1, "nobody else has claimed it"
    assert house.lines(job) == [*LINES[:50], "half", *LINES[50:]]


def claim_of(house: House, job_id: int) -> tuple[int, float]:
    """The fencing token of a job, and when its claim ends."""
    with house.world.database.read() as transaction:
        row = transaction.execute(select(jobs).where(jobs.c.id == job_id)).one()
    return row.claim_token, row.claim_expires_at.timestamp() if row.claim_expires_at else 0.0


def test_a_locked_database(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with dispatching(house.world, house.engine) as thread:
        job = house.submit(COUNT)
        wait_until(lambda: "half" in house.lines(job))
        waiting = house.submit("echo waited")
        with house.locked():
            house.let_go(job)
            wait_until(lambda: "line 99" in house.lines(job))
            wait_until(lambda: "job 1 can't be written yet" in caplog.text)
            wait_until(lambda: "taking jobs" in caplog.text)
            assert thread.is_alive()
            assert house.job(job).state is JobState.RUNNING
        assert house.wait_for_end(job).state is JobState.SUCCEEDED
        assert house.wait_for_end(waiting).state is JobState.SUCCEEDED
    assert house.lines(job) == [*LINES[:50], "half", *LINES[50:]]
    assert "Traceback" not in caplog.text


def test_the_api_while_the_database_is_locked(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(house.world.app()) as client:
        client.headers.update(house.world.bearer(OPERATOR))
        with house.locked():
            answers = [client.post("/organizations", json={"name": "New"}) for _ in range(3)]
            assert client.get("/organizations").status_code == 200, "reading goes on"
        for answer in answers:
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["error"]["code"] == "database-unavailable"
        assert client.post("/organizations", json={"name": "New"}).status_code == 201
    assert "Traceback" not in caplog.text
    assert caplog.text.count("the database is unavailable") == 1, "said once a minute"


def test_a_database_that_is_gone_for_a_while(house: House) -> None:
    file = house.world.folder / "database" / "au2.sqlite3"
    with dispatching(house.world, house.engine) as thread:
        job = house.submit(COUNT)
        wait_until(lambda: "half" in house.lines(job))
        file.parent.rename(file.parent.with_name("away"))
        house.let_go(job)
        wait_until(lambda: "line 99" in house.lines(job))
        assert thread.is_alive()
        assert not file.exists(), "no empty one is made in its place"
        file.parent.with_name("away").rename(file.parent)
        assert house.wait_for_end(job).state is JobState.SUCCEEDED


def test_a_running_job_is_taken_up_also_when_its_image_is_gone(house: House) -> None:
    with dispatching(house.world, house.engine):
        job = house.submit(COUNT)
        wait_until(lambda: "half" in house.lines(job))
        image = house.job(job).attempts[-1].image_digest
    assert image is not None
    house.world.blobs.remove(image)
    with dispatching(house.world, house.engine):
        house.let_go(job)
        assert house.wait_for_end(job).state is JobState.SUCCEEDED
    assert house.lines(job) == [*LINES[:50], "half", *LINES[50:]]


def test_the_folder_of_notices_is_removed(house: House) -> None:
    with dispatching(house.world, house.engine):
        shutil.rmtree(house.world.folder / "notices")
        job = house.submit("echo ran")
        assert house.wait_for_end(job).state is JobState.SUCCEEDED
