"""A dispatcher takes up containers of the native engine."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import Job, JobState
from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.stores.logs.record import parse_records
from tests.support.images.busybox import make_image
from tests.support.servers.backend import OPERATOR, Backend, open_backend
from tests.support.servers.dispatching import dispatching
from tests.support.waiting import wait_until

COUNT = """
i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); usleep 2000; done; echo half
until [ -e /run/au2/go ]; do usleep 10000; done
while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); usleep 2000; done
"""
LINES = [f"line {number}" for number in range(100)]


@dataclass
class NativeInstallation:
    """An installation whose dispatcher runs in this process."""

    backend: Backend
    engine: NativeEngine
    context: Context
    process: str

    def submit(self, script: str) -> int:
        order = RunOrder(self.process, environment={"SCRIPT": script})
        actor = self.backend.actor(OPERATOR)
        return self.backend.services.jobs.submit_run(actor, self.context, order).id

    def job(self, job_id: int) -> Job:
        return self.backend.job(job_id)

    def lines(self, job_id: int) -> list[str]:
        records, _ = parse_records(self.backend.logs.read(job_id, 1, offset=0, limit_bytes=1 << 20))
        return [record.content.decode() for record in records]

    def let_go(self, job_id: int) -> None:
        (self.backend.folder / "containers" / f"job-{job_id}-1" / "files" / "go").touch()

    def wait_for_end(self, job_id: int) -> Job:
        wait_until(lambda: self.job(job_id).state.is_final)
        return self.job(job_id)


@pytest.fixture
def installation(tmp_path: Path, busybox_layer: bytes) -> Iterator[NativeInstallation]:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o711)
    run_dir = Path("/run") / f"au2-test-{uuid.uuid4().hex[:12]}"
    with open_backend(tmp_path, busy_seconds=0.05) as backend:
        engine = NativeEngine(backend.blobs, tmp_path, run_dir, NativeOptions())
        image = make_image([busybox_layer], command=("/bin/sh", "-c", 'eval "$SCRIPT"'))
        context = backend.organization()
        process = backend.process(context)
        backend.version(process, image_digest=image.save(backend.blobs))
        yield NativeInstallation(backend, engine, context, process)
        engine.uninstall()


def test_a_running_job_is_taken_up_also_when_its_image_is_gone(
    installation: NativeInstallation,
) -> None:
    with dispatching(installation.backend, installation.engine):
        job = installation.submit(COUNT)
        wait_until(lambda: "half" in installation.lines(job))
        image = installation.job(job).attempts[-1].image_digest
    assert image is not None
    installation.backend.blobs.remove(image)
    with dispatching(installation.backend, installation.engine):
        installation.let_go(job)
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED
    assert installation.lines(job) == [*LINES[:50], "half", *LINES[50:]]
