"""Blobs that are read out of compressed ones: only so many at a time, and only for who waits."""

import asyncio
import gzip
import os
from collections.abc import Generator, Iterator

import httpx
import pytest
from starlette.types import Message

from au2.domain.processes.repository import StoredBlob, parse_repository
from au2.http.streaming import StreamingResult
from au2.server.supervision.log_format import is_relevant
from au2.stores.content.images import load_image
from tests.integration.registry.guest import Guest, code
from tests.support.images.busybox import digest_of
from tests.support.images.image_making import ZSTD, Layer, odd_image
from tests.support.network.readers import begin_reading
from tests.support.servers.backend import OPERATOR, Backend
from tests.support.waiting import wait_until

MIB = 1 << 20
RAW = bytes(range(256)) * (64 * MIB // 256)
MOST_OF_ONE = 6
MOST = 16


@pytest.fixture
def packed(backend: Backend, repository: str) -> str:
    """A blob of the repository, kept as a compressed one."""
    blob = gzip.compress(RAW, 1)
    with backend.blobs.writer() as writer:
        writer.write(blob)
        holder = writer.commit()
    backend.blobs.keep_compressed(digest_of(RAW), len(RAW), compressed=holder)
    link = backend.services.repository_blobs.link
    link(parse_repository(repository), [StoredBlob(digest_of(RAW), len(RAW))])
    return digest_of(RAW)


@pytest.mark.parametrize(("first", "count"), [(0, 10), (64 * MIB - 10, 10), (5 * MIB - 1, 3)])
def test_a_part_of_a_packed_blob(developer: Guest, packed: str, first: int, count: int) -> None:
    asked = {"Range": f"bytes={first}-{first + count - 1}"}
    answer = developer.ask("GET", f"blobs/{packed}", headers=asked)
    assert (answer.status_code, answer.content) == (206, RAW[first : first + count])


def test_a_damaged_blob_is_one_line_of_the_log(
    backend: Backend, developer: Guest, packed: str, caplog: pytest.LogCaptureFixture
) -> None:
    holder = max((backend.folder / "blobs").rglob("*"), key=lambda file: file.stat().st_size)
    os.truncate(holder, holder.stat().st_size // 2)

    with pytest.raises(httpx.RemoteProtocolError):
        developer.ask("GET", f"blobs/{packed}")

    wait_until(lambda: len(caplog.records) >= 2)
    told, *others = caplog.records
    assert packed in told.getMessage()
    assert developer.repository in told.getMessage()
    assert "au2-server fsck" in told.getMessage()
    assert told.exc_info is None
    assert [is_relevant(record) for record in others] == [False]


@pytest.fixture
def idle(client: httpx.Client, developer: Guest, packed: str) -> Iterator[None]:
    """The developer has begun as many downloads as one may, and takes nothing."""
    path = f"/v2/{developer.repository}/blobs/{packed}"
    address = str(client.base_url)
    readers = [begin_reading(address, path, developer.headers) for _ in range(MOST_OF_ONE)]
    yield
    for reader in readers:
        reader.close()
    wait_until(lambda: developer.ask("GET", f"blobs/{packed}").status_code == 200)


@pytest.mark.usefixtures("idle")
def test_one_user_reads_only_a_few_at_a_time(developer: Guest, viewer: Guest, packed: str) -> None:
    answer = developer.ask("GET", f"blobs/{packed}")
    assert code(answer) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert developer.ask("HEAD", f"blobs/{packed}").status_code == 200
    own = developer.push_blob(b"plain")
    assert developer.ask("GET", f"blobs/{own}").content == b"plain"
    assert viewer.ask("GET", f"blobs/{packed}").content == RAW


def test_all_together_read_only_some_at_a_time(
    backend: Backend, client: httpx.Client, developer: Guest, viewer: Guest, packed: str
) -> None:
    path, address = f"/v2/{developer.repository}/blobs/{packed}", str(client.base_url)
    guests = [developer.headers, viewer.headers, backend.bearer(OPERATOR)]
    readers = [begin_reading(address, path, guests[number % len(guests)]) for number in range(MOST)]
    try:
        answer = viewer.ask("GET", f"blobs/{packed}")
    finally:
        for reader in readers:
            reader.close()
    assert code(answer) == (503, "UNAVAILABLE")


def test_archives_that_are_unpacked_count_too(backend: Backend, client: httpx.Client) -> None:
    layer = Layer().add("file", content=bytes(64 * MIB)).data()
    image = odd_image(layer, packing=ZSTD)
    process = backend.process(backend.organization("Third"))
    number = backend.version(process, image_digest=image.save(backend.blobs))
    holder = load_image(backend.blobs, image.save(backend.blobs)).manifest.layers[0].digest
    backend.blobs.keep_compressed(digest_of(layer), len(layer), compressed=holder)
    path, address = f"/api/v1/processes/{process}/versions/{number}/archive", str(client.base_url)
    headers = backend.bearer(OPERATOR)
    readers = [begin_reading(address, path, headers) for _ in range(MOST_OF_ONE)]
    try:
        answer = client.get(path, headers=headers)
    finally:
        for reader in readers:
            reader.close()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    wait_until(lambda: client.get(path, headers=headers).status_code == 200)


def test_what_is_before_a_part_is_passed_over_only_as_long_as_somebody_waits(
    backend: Backend, packed: str
) -> None:
    taken: list[bytes] = []

    def counted(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
        for piece in pieces:
            taken.append(piece)
            yield piece

    async def answer() -> None:
        async def send(_: Message) -> None:
            await asyncio.sleep(0)

        async def receive() -> Message:
            while len(taken) < 3:
                await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        pieces = counted(backend.services.repository_blobs.read(packed, 64 * MIB - 1, 1))
        await StreamingResult(pieces)({"type": "http"}, receive, send)

    asyncio.run(answer())
    assert set(taken) == {b""}
    assert len(taken) < 20, "of more than 64"
