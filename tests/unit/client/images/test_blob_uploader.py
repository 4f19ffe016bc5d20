"""Blobs that are sent beside the reading, and the session that is kept alive meanwhile."""

from threading import Event

import pytest

from au2.client.http.transport import Transport
from au2.client.images.blob_uploader import BlobUploader, Heartbeat, UploadProgressSink
from au2.client.images.blobs import Blob, BytesSource
from au2.client.images.upload import ImageUploadClient
from au2.domain.errors import StorageFull
from au2.domain.network_retry import RetryBudget
from tests.support.images.busybox import digest_of
from tests.unit.client.api import Answer, Api, Request
from tests.unit.client.image_server import (
    BLOBS,
    LACKING,
    SESSION_VIEW,
    ImageServer,
    answer,
    failure,
)


class Freed(BytesSource):
    """Bytes that know whether they are still needed."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.is_freed = False

    def close(self) -> None:
        self.is_freed = True


@pytest.fixture
def server(api: Api) -> ImageServer:
    return ImageServer(api)


@pytest.fixture
def uploader(server: ImageServer, transport: Transport) -> BlobUploader:
    stop = Event()
    budget = RetryBudget(pause=stop.wait, clock=lambda: 0.0, on_outage=lambda _: None)
    return BlobUploader(
        ImageUploadClient(transport, SESSION_VIEW, budget, stop=stop),
        UploadProgressSink(),
        stop=stop,
    )


def freed_blob(data: bytes) -> tuple[Blob, Freed]:
    source = Freed(data)
    return Blob(digest_of(data), len(data), source), source


def test_what_is_through_is_freed(server: ImageServer, uploader: BlobUploader) -> None:
    server.blobs[digest_of(b"there")] = b"there"
    (new, new_source), (there, there_source) = freed_blob(b"new"), freed_blob(b"there")
    again, again_source = freed_blob(b"new")

    uploader.offer([new, there])
    uploader.offer([again])
    uploader.finish()

    assert [source.is_freed for source in (new_source, there_source, again_source)] == [True] * 3
    assert len(server.pieces) == 1
    assert server.asked == [new.digest, there.digest]


def test_a_failure_is_raised_where_the_next_is_offered(
    server: ImageServer, uploader: BlobUploader
) -> None:
    server.api.routes[BLOBS] = failure(507, "storage-full")
    blob, source = freed_blob(b"new")
    uploader.offer([blob])

    with pytest.raises(StorageFull):
        uploader.offer([freed_blob(b"more")[0]])

    assert source.is_freed


def test_the_next_is_read_while_one_is_sent(server: ImageServer, uploader: BlobUploader) -> None:
    asked, go_on = Event(), Event()

    def hold(_: Request) -> Answer:
        asked.set()
        assert go_on.wait(10)
        return answer({"missing": []})

    server.api.routes[LACKING] = hold
    uploader.offer([freed_blob(b"one")[0]])
    assert asked.wait(10)
    # We are here, although the blob is not through.
    go_on.set()
    uploader.finish()


def test_a_session_is_kept_alive_over_cut_connections(
    server: ImageServer, api: Api, transport: Transport
) -> None:
    signs, enough = [], Event()

    def note(request: Request) -> Answer:
        signs.append(request.document)
        if len(signs) == 3:
            enough.set()
        return Answer(cut=True) if len(signs) == 1 else answer({"missing": []})

    api.routes[LACKING] = note
    heartbeat = Heartbeat(transport, SESSION_VIEW.replaced(heartbeat_seconds=0.01))
    with heartbeat:
        assert enough.wait(10)
    heartbeat.join()  # It closes the connection, which is its own, as the fixture does later.

    assert signs[:3] == [{"blobs": []}] * 3


def test_a_session_that_was_lost_is_not_kept_alive(
    server: ImageServer, api: Api, transport: Transport
) -> None:
    lost = Event()

    def refuse(_: Request) -> Answer:
        lost.set()
        return failure(409, "lease-lost")

    api.routes[LACKING] = refuse
    heartbeat = Heartbeat(transport, SESSION_VIEW.replaced(heartbeat_seconds=0.01))
    with heartbeat:
        assert lost.wait(10)
        heartbeat.join()

    assert len(api.of(LACKING)) == 1
