"""Images that do not fit: refused before they are sent, or ended, with nothing kept of them."""

import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from au2.app.registry.blobs import RepositoryBlobs
from au2.app.registry.images import ImageBlobs
from au2.app.uploads.image_uploads import ImageUploads
from au2.domain.errors import LeaseLost, StorageFull
from au2.domain.jobs.job import JobState
from au2.domain.processes.repository import Repository
from au2.domain.processes.upload import Upload
from au2.domain.processes.version import ImageStatus
from au2.stores.content.filesystem import FileContentStore
from tests.support.machine.memory_disk import mounted_in_memory
from tests.support.servers.backend import OPERATOR, Backend

LAYER = b"x" * (6 << 20)
DIGEST = f"sha256:{sha256(LAYER).hexdigest()}"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted_in_memory(folder, "8m"):
        yield folder


@pytest.fixture
def blobs(disk: Path) -> FileContentStore:
    return FileContentStore(disk / "blobs")


@pytest.fixture
def images(backend: Backend, blobs: FileContentStore) -> ImageUploads:
    found = ImageBlobs(backend.database, blobs)
    return ImageUploads(backend.database, blobs, backend.notices, found, clock=backend.clock)


@pytest.fixture
def upload(backend: Backend, images: ImageUploads) -> Upload:
    process = backend.process(backend.organization())
    number = backend.version(process, ImageStatus.NONE)
    return images.begin(backend.actor(OPERATOR), process, number).upload


def fill(disk: Path, left_bytes: int) -> None:
    free = FileContentStore(disk / "blobs").free_bytes()
    subprocess.run(["fallocate", "-l", str(free - left_bytes), disk / "filling"], check=True)


def test_what_does_not_fit_is_refused_before_it_is_sent(
    backend: Backend, disk: Path, images: ImageUploads, upload: Upload
) -> None:
    operator = backend.actor(OPERATOR)
    fill(disk, 1 << 20)
    with pytest.raises(StorageFull, match=r": 6 MiB are to be sent, and 1 MiB are free"):
        images.find_missing(operator, upload.id, upload.fencing_token, {DIGEST: len(LAYER)})
    assert images.find_missing(operator, upload.id, upload.fencing_token, {}) == {}, "a heartbeat"
    (disk / "filling").unlink()
    lacking = images.find_missing(operator, upload.id, upload.fencing_token, {DIGEST: len(LAYER)})
    assert lacking == {DIGEST: 0}


def test_what_came_already_needs_no_more_room(
    backend: Backend, disk: Path, images: ImageUploads, upload: Upload
) -> None:
    operator = backend.actor(OPERATOR)
    receiver = images.receive(
        operator, upload.id, upload.fencing_token, DIGEST, size_bytes=len(LAYER), offset_bytes=0
    )
    receiver.feed(LAYER[: 5 << 20])
    receiver.close()
    fill(disk, 1 << 20)
    lacking = images.find_missing(operator, upload.id, upload.fencing_token, {DIGEST: len(LAYER)})
    assert lacking == {DIGEST: 5 << 20}


def test_an_image_that_fills_the_disk_is_ended_and_leaves_nothing(
    backend: Backend, disk: Path, blobs: FileContentStore, images: ImageUploads, upload: Upload
) -> None:
    operator = backend.actor(OPERATOR)
    receiver = images.receive(
        operator, upload.id, upload.fencing_token, DIGEST, size_bytes=len(LAYER), offset_bytes=0
    )
    receiver.feed(LAYER[: 3 << 20])
    fill(disk, 1 << 20)  # Somebody else was quicker.
    with pytest.raises(StorageFull):
        receiver.feed(LAYER[3 << 20 :])
    receiver.close()

    assert list(blobs.list_ingests()) == []
    assert blobs.free_bytes() == 4 << 20
    job = backend.job(upload.job_id)
    assert job.state is JobState.FAILED
    assert "disk is full" in str(job.reason_text)
    with pytest.raises(LeaseLost):
        images.find_missing(operator, upload.id, upload.fencing_token, {})


def test_a_push_that_fills_the_disk_leaves_nothing(
    backend: Backend, disk: Path, blobs: FileContentStore
) -> None:
    context = backend.organization(project=None)
    backend.user("developer@example.com", "developer", context)
    developer = backend.actor("developer@example.com")
    repository = Repository(context.organization_id, "base")
    registry = RepositoryBlobs(backend.database, blobs, ImageBlobs(backend.database, blobs))
    begun = registry.begin(developer, repository)
    receiver = registry.receive(developer, repository, begun.id)
    receiver.feed(LAYER[: 3 << 20])
    fill(disk, 1 << 20)
    with pytest.raises(StorageFull):
        receiver.feed(LAYER[3 << 20 :])
    receiver.close()
    assert list(blobs.list_ingests()) == []
