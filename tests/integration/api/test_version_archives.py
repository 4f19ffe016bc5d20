"""Archives over HTTP: their names, their pace, and readers that go away."""

import io
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from au2.domain.errors import InvalidRequest
from au2.http.app import ApiOptions
from au2.http.v1.version_archives import name_server
from au2.server.supervision.log_format import is_relevant
from tests.support.images.busybox import make_image, make_layer
from tests.support.network.readers import begin_reading, open_files
from tests.support.packages.built_versions import add_image_version
from tests.support.servers.backend import OPERATOR, Backend
from tests.support.servers.live import served
from tests.support.waiting import wait_until

LARGE_BYTES = 200 << 20


@pytest.fixture
def address(backend: Backend) -> Iterator[str]:
    with served(backend.app()) as address:
        yield address


def make_version(backend: Backend, content: bytes) -> str:
    process = backend.process(backend.organization())
    number = add_image_version(backend, process, make_image([make_layer({"a": content})]))
    return f"/api/v1/processes/{process}/versions/{number}/archive"


def test_the_archive_is_whole_and_named_as_the_client_names_the_server(
    backend: Backend, address: str
) -> None:
    path = make_version(backend, b"content")
    answer = httpx.get(address + path, headers=backend.bearer(OPERATOR))
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        listed = archive.extractfile("manifest.json")
        assert listed is not None
        assert f'"{urlsplit(address).netloc}/org_'.encode() in listed.read()


def test_what_the_operator_says_of_the_server_wins(backend: Backend) -> None:
    path = make_version(backend, b"content")
    options = ApiOptions(external_url="https://Images.example.com/")
    with served(backend.app(options)) as address:
        answer = httpx.get(address + path, headers=backend.bearer(OPERATOR))
    assert b'"images.example.com/org_' in answer.content


@pytest.mark.parametrize(
    ("host", "scheme", "name"),
    [
        ("Example.com", "https", "example.com"),
        ("example.com:8443", "https", "example.com:8443"),
        ("127.0.0.1:8080", "http", "127.0.0.1:8080"),
        ("localhost", "http", "localhost"),
        ("build", "http", "build:80"),
        ("build", "https", "build:443"),
        ("[::1]:8080", "http", "localhost:8080"),
        ("[fd00::7]:8080", "http", "[fd00::7]:8080"),
    ],
)
def test_names_of_servers(host: str, scheme: str, name: str) -> None:
    assert name_server(host, scheme) == name


@pytest.mark.parametrize("host", ["", "a b", "-x", "a/b", "a@b", "x" * 300, "[::1", "a:b"])
def test_hosts_that_can_not_be_in_a_name(host: str) -> None:
    with pytest.raises(InvalidRequest):
        name_server(host, "http")


def test_a_reader_who_stops_costs_no_memory_and_leaves_nothing(
    backend: Backend, address: str
) -> None:
    path = make_version(backend, bytes(LARGE_BYTES))
    blobs = backend.folder / "blobs"
    before = resident_bytes()
    readers = [begin_reading(address, path, backend.bearer(OPERATOR)) for _ in range(3)]
    wait_until(lambda: open_files(blobs) == 3)
    time.sleep(0.5)  # Would it go on by itself, it would now.
    assert resident_bytes() - before < 64 << 20
    # Others are served meanwhile.
    assert httpx.get(f"{address}/api/v1/health").status_code == 200

    for reader in readers:
        reader.close()

    wait_until(lambda: open_files(blobs) == 0)


def test_a_damaged_blob_is_one_line_of_the_log(
    backend: Backend, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_version(backend, os.urandom(3 << 20))
    layer = max((backend.folder / "blobs").rglob("*"), key=lambda file: file.stat().st_size)
    layer.chmod(0o600)
    with layer.open("r+b") as file:
        file.seek(2 << 20)
        file.write(b"damaged")

    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(address + path, headers=backend.bearer(OPERATOR))

    wait_until(lambda: len(caplog.records) >= 2)
    told, *others = caplog.records
    assert "version 1 of process" in told.getMessage()
    assert layer.name in told.getMessage()
    assert "au2-server fsck" in told.getMessage()
    assert told.exc_info is None
    assert [is_relevant(record) for record in others] == [False]


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
