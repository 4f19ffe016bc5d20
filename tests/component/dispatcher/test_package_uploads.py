"""Package uploads from the first request to a version that runs."""

import pytest

from au2.domain.ids import make_guid
from au2.domain.jobs.container_contract import Language
from au2.domain.jobs.job import JobState, Reason
from au2.domain.processes.version import ImageStatus
from au2.engines.fake.program import Print
from tests.support.images.busybox import make_image, make_layer
from tests.support.servers.backend import OPERATOR
from tests.support.servers.dispatching import Installation


@pytest.fixture
def runtime(installation: Installation) -> str:
    """Id of a runtime whose image is in the store."""
    backend = installation.backend
    digest = make_image([make_layer({"bin/python3": b""})]).save(backend.blobs)
    return backend.services.runtimes.register_build(
        runtime_id=make_guid(),
        name="Python3.11",
        language=Language.PYTHON,
        first_version=1,
        image_digest=digest,
        recipe_digest=digest,
    ).id


def package(runtime: str, **files: bytes) -> dict[str, bytes]:
    manifest = f"name: packaged\nruntime: {runtime}\n".encode()
    return {"aunsight.yml": manifest, "main.py": b"print('hello')\n", **files}


def test_a_package_becomes_a_version_that_runs(installation: Installation, runtime: str) -> None:
    backend = installation.backend
    with installation.dispatching():
        upload = installation.upload(package(runtime), runtime).upload
        built = installation.wait_for_end(upload.job_id)
        assert built.state is JobState.SUCCEEDED, built.reason_text
        run = installation.wait_for_end(
            installation.submit(Print(b"ran\n"), process=upload.process_id)
        )
    version = backend.services.versions.get(backend.actor(OPERATOR), upload.process_id, 1)
    assert version.image_status is ImageStatus.AVAILABLE
    assert run.state is JobState.SUCCEEDED
    assert run.attempts[0].image_digest == version.image_digest
    assert installation.lines(run.id) == ["ran"]


def test_the_same_package_gives_the_same_image(installation: Installation, runtime: str) -> None:
    backend, digests = installation.backend, set()
    with installation.dispatching():
        for name in ("one", "other"):
            upload = installation.upload(package(runtime), runtime, name).upload
            installation.wait_for_end(upload.job_id)
            version = backend.services.versions.get(
                backend.actor(OPERATOR), upload.process_id, upload.version_number
            )
            digests.add(version.image_digest)
    assert len(digests) == 1


def test_a_mistake_in_a_package_is_told_in_the_log(
    installation: Installation, runtime: str
) -> None:
    files = package(runtime) | {"env.yml": b"- not a mapping\n"}
    with installation.dispatching():
        upload = installation.upload(files, runtime).upload
        job = installation.wait_for_end(upload.job_id)
    assert (job.state, job.reason) == (JobState.FAILED, Reason.BUILD_FAILED)
    assert any("env.yml" in line for line in installation.lines(job.id))


def test_an_upload_that_is_complete_before_a_dispatcher_starts_is_built(
    installation: Installation, runtime: str
) -> None:
    upload = installation.upload(package(runtime), runtime).upload
    with installation.dispatching():
        assert installation.wait_for_end(upload.job_id).state is JobState.SUCCEEDED


def test_a_build_is_done_again_after_a_lost_claim(installation: Installation, runtime: str) -> None:
    """The dispatcher that began it is gone: RUNNING was written, and nothing else."""
    upload = installation.upload(package(runtime), runtime).upload
    installation.backend.claim(upload.job_id)
    assert installation.job(upload.job_id).state is JobState.RUNNING
    installation.backend.clock.move(seconds=61)
    with installation.dispatching():
        job = installation.wait_for_end(upload.job_id)
    assert (job.state, len(job.attempts)) == (JobState.SUCCEEDED, 1)


def test_a_runtime_whose_image_is_gone_fails_the_build(
    installation: Installation, runtime: str
) -> None:
    backend = installation.backend
    upload = installation.upload(package(runtime), runtime).upload
    for blob in list(backend.blobs.list_digests()):
        if backend.blobs.size_bytes(blob) < 2000:
            backend.blobs.remove(blob)
    with installation.dispatching():
        job = installation.wait_for_end(upload.job_id)
    assert (job.state, job.reason) == (JobState.FAILED, Reason.BUILD_FAILED)
