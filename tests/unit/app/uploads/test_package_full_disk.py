"""A disk that is full while contents come: said to the sender and in the job, nothing kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from au2.app.uploads.package_begin import OpenUpload, UploadStarter
from au2.app.uploads.package_uploads import PackageUploads
from au2.domain.accounts.context import Context
from au2.domain.errors import LeaseLost, StorageFull
from au2.domain.jobs.job import JobState, Reason
from au2.domain.processes.version import ImageStatus
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.protocol import ContentStore
from tests.support.machine.memory_disk import mounted_in_memory
from tests.support.servers.backend import OPERATOR, Backend, creation, frame

SMALL = b"small"
LARGE = b"x" * (1 << 20)
FILES = {"a": SMALL, "b": LARGE}


class TinyStore(FileContentStore):
    """A store on a disk with little room."""

    def __init__(self, root: Path, room_bytes: int) -> None:
        super().__init__(root)
        self.room_bytes = room_bytes

    def _take(self, size_bytes: int) -> None:
        self.room_bytes -= size_bytes
        if self.room_bytes < 0:
            raise StorageFull

    @contextmanager
    def writer(self, **stated: Any) -> Iterator[Any]:
        with super().writer(**stated) as inner:
            write = inner.write

            def write_if_there_is_room(data: Any) -> int:
                self._take(len(data))
                return write(data)

            inner.write = write_if_there_is_room
            yield inner

    @contextmanager
    def batch(self) -> Iterator[Callable[[str, bytes], None]]:
        with super().batch() as add:

            def add_if_there_is_room(digest: str, data: bytes) -> None:
                self._take(len(data))
                add(digest, data)

            yield add_if_there_is_room


def uploads_on(backend: Backend, blobs: ContentStore) -> PackageUploads:
    return PackageUploads(
        backend.database,
        blobs,
        backend.notices,
        clock=backend.clock,
    )


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def test_what_does_not_fit_is_refused_before_anything_is_made(
    backend: Backend, context: Context, tmp_path: Path
):
    (tmp_path / "disk").mkdir()
    with mounted_in_memory(tmp_path / "disk", "512k"):
        blobs = FileContentStore(tmp_path / "disk" / "blobs")
        opening = UploadStarter(backend.database, blobs, runtimes=backend.services.runtimes)
        operator, runtime = backend.actor(OPERATOR), backend.runtime()
        with pytest.raises(StorageFull, match="package: 1 MiB are to be sent, and 512 KiB are"):
            opening.begin(operator, context, creation(FILES, runtime))
        assert backend.services.processes.list_processes(operator, context) == []
        assert isinstance(
            opening.begin(operator, context, creation({"a": SMALL}, runtime)), OpenUpload
        )


@pytest.mark.parametrize("room_bytes", [0, 10, len(LARGE) // 2])
def test_it_is_said_and_nothing_is_left(backend: Backend, context: Context, room_bytes: int):
    uploads = uploads_on(backend, TinyStore(backend.folder / "blobs", room_bytes))
    operator = backend.actor(OPERATOR)
    begun = backend.services.upload_starter.begin(
        operator, context, creation(FILES, backend.runtime())
    )

    with (
        pytest.raises(StorageFull),
        uploads.receive(operator, begun.upload.id, 1) as receiver,
    ):
        receiver.feed(frame(SMALL) + frame(LARGE))

    job = backend.job(begun.upload.job_id)
    assert (job.state, job.reason) == (JobState.FAILED, Reason.BUILD_FAILED)
    assert "disk is full" in str(job.reason_text)
    version = backend.services.versions.get(operator, begun.upload.process_id, 1)
    assert version.image_status is ImageStatus.FAILED
    assert list(backend.blobs.list_digests()) == []
    assert list((backend.folder / "blobs" / "incoming").iterdir()) == []
    with pytest.raises(LeaseLost):
        uploads.receive(operator, begun.upload.id, 1)


def test_what_earlier_requests_brought_goes_too_unless_another_needs_it(
    backend: Backend, context: Context
):
    other = b"needed by another"
    uploads = uploads_on(backend, TinyStore(backend.folder / "blobs", 1000))
    operator = backend.actor(OPERATOR)
    runtime = backend.runtime()
    begun = backend.services.upload_starter.begin(
        operator, context, creation({**FILES, "c": other}, runtime)
    )
    backend.services.upload_starter.begin(operator, context, creation({"c": other}, runtime))
    with uploads.receive(operator, begun.upload.id, 1) as receiver:
        receiver.feed(frame(SMALL) + frame(other))
        uploads.finish_receiving(operator, begun.upload.id, receiver)

    with (
        pytest.raises(StorageFull),
        uploads.receive(operator, begun.upload.id, 1) as receiver,
    ):
        receiver.feed(frame(LARGE))

    assert list(backend.blobs.list_digests()) == [f"sha256:{sha256(other).hexdigest()}"]


def test_there_is_room_again(backend: Backend, context: Context):
    store = TinyStore(backend.folder / "blobs", 0)
    uploads = uploads_on(backend, store)
    operator = backend.actor(OPERATOR)
    body = creation(FILES, backend.runtime())
    begun = backend.services.upload_starter.begin(operator, context, body)
    with (
        pytest.raises(StorageFull),
        uploads.receive(operator, begun.upload.id, 1) as receiver,
    ):
        receiver.feed(frame(SMALL) + frame(LARGE))
    store.room_bytes = 10 << 20

    again = body.replaced(name=None, process=begun.upload.process_id)
    begun = backend.services.upload_starter.begin(operator, context, again)
    with uploads.receive(operator, begun.upload.id, 1) as receiver:
        receiver.feed(frame(SMALL) + frame(LARGE))
        assert uploads.finish_receiving(operator, begun.upload.id, receiver) == []
    assert uploads.complete(operator, begun.upload.id, 1).state is JobState.PENDING
