"""What the server holds for a reader is let go when the reader has gone, not some time later."""

import asyncio
import gc
import os
from collections.abc import AsyncGenerator, Generator, Iterator

import pytest
from starlette.types import Message

from au2.domain.processes.repository import StoredBlob, parse_repository
from au2.http.streaming import StreamingResult
from au2.server.settings.endpoint import ListenAddress
from au2.server.supervision.start import open_listener
from tests.support.network.readers import begin_reading, open_files
from tests.support.servers.backend import OPERATOR, Backend
from tests.support.servers.live import served
from tests.support.waiting import wait_until

LARGE_BYTES = 32 << 20


@pytest.fixture
def address(backend: Backend) -> Iterator[str]:
    with served(backend.app()) as address:
        yield address


@pytest.fixture(autouse=True)
def without_garbage_collection() -> Iterator[None]:
    """Nothing may hang on when the collector comes by."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def blob(backend: Backend) -> str:
    """The path of a large blob."""
    organization = backend.organization(project=None).organization_id
    with backend.blobs.writer() as writer:
        writer.write(os.urandom(LARGE_BYTES))
        digest = writer.commit()
    repository = parse_repository(f"org_{organization}/base")
    backend.services.repository_blobs.link(repository, [StoredBlob(digest, LARGE_BYTES)])
    return f"/v2/{repository}/blobs/{digest}"


def test_a_download_of_a_blob_closes_its_file(backend: Backend, address: str, blob: str) -> None:
    folder = backend.folder / "blobs"
    readers = [begin_reading(address, blob, backend.bearer(OPERATOR)) for _ in range(3)]
    wait_until(lambda: open_files(folder) == 3)
    for reader in readers:
        reader.close()
    wait_until(lambda: open_files(folder) == 0)


def test_a_download_that_nobody_reads_on_closes_its_file(backend: Backend, blob: str) -> None:
    folder = backend.folder / "blobs"
    with (
        open_listener(ListenAddress("127.0.0.1", 0), idle_seconds=0.5) as listener,
        served(backend.app(), listener) as address,
        begin_reading(address, blob, backend.bearer(OPERATOR)),
    ):
        wait_until(lambda: open_files(folder) == 1)
        wait_until(lambda: open_files(folder) == 0)


class Scope:
    """Whether somebody is inside."""

    def __init__(self) -> None:
        self.is_open = False

    def pieces(self) -> Generator[bytes, None, None]:
        self.is_open = True
        try:
            while True:
                yield b"piece"
        finally:
            self.is_open = False

    async def pieces_of_events(self) -> AsyncGenerator[bytes, None]:
        self.is_open = True
        try:
            while True:
                yield b"piece"
        finally:
            self.is_open = False


@pytest.mark.parametrize("how", ["pieces", "pieces_of_events"])
def test_what_makes_the_pieces_is_closed_while_it_waits_for_the_reader(how: str) -> None:
    scope = Scope()
    # Held here, so that nothing is closed just because nobody has it any more.
    pieces = getattr(scope, how)()

    async def answer() -> None:
        is_stuck = asyncio.Event()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                is_stuck.set()
                await asyncio.Event().wait()

        async def receive() -> Message:
            await is_stuck.wait()
            assert scope.is_open
            return {"type": "http.disconnect"}

        await StreamingResult(pieces)({"type": "http"}, receive, send)
        assert not scope.is_open

    asyncio.run(answer())
