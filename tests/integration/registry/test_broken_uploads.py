"""Blobs whose sending breaks off, or is not as long as was said: what has come stays."""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from au2.app.registry.blobs import RepositoryBlobs
from au2.app.registry.images import ImageBlobs
from au2.domain.errors import NotFound, StorageFull
from au2.domain.processes.repository import parse_repository
from au2.stores.content.filesystem import FileContentStore
from tests.integration.registry.guest import Guest, code
from tests.support.images.busybox import digest_of
from tests.support.servers.backend import Backend
from tests.support.waiting import wait_until

PIECE = 1 << 20
"""What the server takes at once, and shows that it has."""
BLOB = os.urandom(3 * PIECE)


class RawRequest:
    """A request of exactly these bytes."""

    def __init__(
        self, guest: Guest, method: str, target: str, body: bytes, **headers: object
    ) -> None:
        address = urlsplit(str(guest.client.base_url))
        stated = {"Host": "au2", "Connection": "close", **guest.headers, **headers}
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in stated.items()), "", ""]
        self.connection = socket.create_connection((address.hostname, address.port))
        self.connection.sendall("\r\n".join(lines).encode() + body)

    def answer(self) -> bytes:
        """What the server says until it hangs up."""
        with self.connection:
            return b"".join(iter(lambda: self.connection.recv(65536), b""))


def received(guest: Guest, place: str) -> int:
    """How much has come."""
    status = guest.ask("GET", place)
    assert status.status_code == 204, status.text
    return int(status.headers["Range"].removeprefix("0-")) + 1


def break_off(
    guest: Guest, method: str, place: str, query: str, body: bytes, **headers: object
) -> int:
    """Send a piece or more of a body, hang up, and return how much has come in all then."""
    come = received(guest, place)
    request = RawRequest(guest, method, place + query, body, **headers)
    wait_until(lambda: received(guest, place) >= come + PIECE)
    request.connection.close()
    # Others are refused as long as the server still hopes for more.
    wait_until(lambda: guest.ask("PATCH", place, content=b"").status_code != 409)
    return received(guest, place)


@pytest.fixture
def place(developer: Guest) -> str:
    """An upload with the blob's first piece."""
    begun = str(developer.begin().headers["Location"])
    assert developer.ask("PATCH", begun, content=BLOB[:PIECE]).status_code == 202
    return begun


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_what_breaks_off_goes_on_where_it_was(
    developer: Guest, place: str, caplog: pytest.LogCaptureFixture, method: str, framing: str
) -> None:
    caplog.set_level(logging.ERROR)
    sent = BLOB[PIECE : 2 * PIECE + 1000]
    query = f"?digest={digest_of(BLOB)}" if method == "PUT" else ""
    if framing == "length":
        stated = {"Content-Length": 2 * PIECE}
        come = break_off(developer, method, place, query, sent, **stated)
    else:
        chunk = b"%x\r\n%b\r\n" % (len(sent), sent)
        come = break_off(developer, method, place, query, chunk, **{"Transfer-Encoding": "chunked"})

    assert 2 * PIECE <= come <= 2 * PIECE + 1000
    done = developer.ask("PUT", place, content=BLOB[come:], params={"digest": digest_of(BLOB)})
    assert done.status_code == 201, done.text
    assert developer.ask("GET", done.headers["Location"]).content == BLOB
    # Senders break off every day: no fault of the server's.
    assert caplog.records == []


def test_a_beginning_is_not_taken_for_the_whole(developer: Guest, place: str) -> None:
    """Not even if it has the digest that was stated."""
    digest = digest_of(BLOB[: 2 * PIECE])
    query, stated = f"?digest={digest}", {"Content-Length": PIECE + 1}

    come = break_off(developer, "PUT", place, query, BLOB[PIECE : 2 * PIECE], **stated)

    assert come == 2 * PIECE
    assert code(developer.ask("GET", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")


def test_what_comes_after_the_stated_length_is_no_part_of_it(developer: Guest, place: str) -> None:
    digest = digest_of(BLOB)
    stated = {"Content-Length": 2 * PIECE - 1}
    request = RawRequest(developer, "PUT", f"{place}?digest={digest}", BLOB[PIECE:], **stated)
    assert b"DIGEST_INVALID" in request.answer()
    assert code(developer.ask("GET", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")


class FullStore(FileContentStore):
    """A store on a disk that is full when a blob is to be made durable, all of which had room."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.is_full = True

    @contextmanager
    def resume(self, name: str) -> Iterator[Any]:
        with super().resume(name) as part:
            commit = part.commit

            def commit_if_there_is_room(digest: str, *, note: Callable[[], None]) -> None:
                if self.is_full:
                    raise StorageFull
                commit(digest, note=note)

            part.commit = commit_if_there_is_room  # type: ignore[method-assign]
            yield part


def test_an_upload_outlives_a_full_disk(backend: Backend, developer: Guest, tmp_path: Path) -> None:
    store = FullStore(tmp_path / "blobs")
    blobs = RepositoryBlobs(backend.database, store, ImageBlobs(backend.database, store))
    actor, repository = (
        backend.actor("developer@example.com"),
        parse_repository(developer.repository),
    )
    upload = blobs.begin(actor, repository)
    receiver = blobs.receive(actor, repository, upload.id)
    receiver.feed(BLOB)
    with pytest.raises(StorageFull):
        receiver.commit(digest_of(BLOB))
    receiver.close()

    assert blobs.show(actor, repository, upload.id).received_bytes == len(BLOB)
    store.is_full = False
    receiver = blobs.receive(actor, repository, upload.id)
    receiver.commit(digest_of(BLOB))
    receiver.close()
    assert blobs.find(actor, repository, digest_of(BLOB)).size_bytes == len(BLOB)
    with pytest.raises(NotFound):
        blobs.show(actor, repository, upload.id)
