"""The gateway: requests of a build container."""

import http.client
import io
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from au2.dependencies.gateway import (
    BadBody,
    Body,
    GatewayErrors,
    GatewayResponse,
    chunked_body,
    read_whole,
    serve,
    sized_body,
)
from au2.domain.errors import EngineFailure, IndexUnreachable, TooLarge


class Shop:
    """Routes of a test."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "file"
        self.file.write_bytes(b"from a file")
        self.taken: list[bytes] = []

    def get(self, path: str) -> GatewayResponse | None:
        if path == "/away":
            raise IndexUnreachable("away")
        if path == "/mistake":
            raise ValueError("a mistake")
        if path == "/gone":
            return GatewayResponse(self.file.with_name("gone"))
        answers: dict[str, GatewayResponse] = {
            "/bytes": GatewayResponse(b"bytes"),
            "/file": GatewayResponse(self.file),
            "/a b": GatewayResponse(b"decoded"),
        }
        return answers.get(path)

    def put(self, path: str, body: Body) -> bool:
        if path == "/full":
            raise OSError(5, "a disk that is broken")
        if path != "/here":
            return False
        self.taken.append(read_whole(body, 100))
        return True


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def served(shop: Shop, listener: socket.socket) -> Iterator[GatewayErrors]:
    with serve(listener, shop) as served:
        yield served


@pytest.fixture
def address(served: GatewayErrors, listener: socket.socket) -> tuple[str, int]:
    return listener.getsockname()  # type: ignore[no-any-return]


def ask(
    address: tuple[str, int], method: str, path: str, **more: object
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*address)
    connection.request(method, path, **more)  # type: ignore[arg-type]
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/bytes", 200, b"bytes"),
        ("/bytes?x=1", 200, b"bytes"),
        ("/file", 200, b"from a file"),
        ("/a%20b", 200, b"decoded"),
        ("/none", 404, b"not found"),
        ("/../file", 404, b"not found"),
        ("/%ff%00", 404, b"not found"),
        ("/away", 502, b"away"),
    ],
)
def test_resources_are_served(
    address: tuple[str, int], path: str, status: int, body: bytes
) -> None:
    answer = ask(address, "GET", path)
    assert (answer.status, answer.body) == (status, body)  # type: ignore[attr-defined]


def test_several_requests_share_a_connection(address: tuple[str, int]) -> None:
    connection = http.client.HTTPConnection(*address)
    for method, size in (("GET", 5), ("HEAD", 0), ("GET", 5)):
        connection.request(method, "/bytes")
        assert len(connection.getresponse().read()) == size
    connection.close()


def test_uploads_are_received(address: tuple[str, int], shop: Shop) -> None:
    assert ask(address, "PUT", "/here", body=b"sized").status == 200
    assert ask(address, "PUT", "/here", body=iter([b"in ", b"chunks"])).status == 200
    assert ask(address, "PUT", "/there", body=b"sized").status == 404
    assert ask(address, "PUT", "/here", body=b"x" * 101).status == 422
    assert ask(address, "POST", "/here", body=b"x").status == 501
    assert shop.taken == [b"sized", b"in chunks"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"PUT /here HTTP/1.1\r\n\r\n",
        b"PUT /here HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT /here HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort",
        b"PUT /here HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    ],
)
def test_nonsense_does_no_harm(
    address: tuple[str, int], shop: Shop, served: GatewayErrors, request_bytes: bytes
) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert shop.taken == []
    assert ask(address, "GET", "/bytes").status == 200
    served.check()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/mistake"), ("GET", "/gone"), ("PUT", "/full")]
)
def test_a_fault_of_ours_is_told_as_one(
    address: tuple[str, int],
    served: GatewayErrors,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
) -> None:
    for _ in range(3):
        with suppress(http.client.HTTPException, ConnectionError):
            assert ask(address, method, path, body=b"").status == 500

    with pytest.raises(EngineFailure, match="the platform itself failed"):
        served.check()
    (record,) = caplog.records
    assert record.exc_info is not None


def test_a_body_is_read_to_its_stated_end() -> None:
    assert b"".join(sized_body(io.BytesIO(b"abcdef"), "4")) == b"abcd"
    assert b"".join(chunked_body(io.BytesIO(b"2\r\nab\r\nA;x\r\n0123456789\r\n0\r\n\r\n"))) == (
        b"ab0123456789"
    )


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"-1\r\n", b"0x2\r\nab\r\n", b"2\r\nabc\r\n", b"5\r\nab", b"g\r\n"]
)
def test_a_broken_chunk_is_refused(data: bytes) -> None:
    with pytest.raises(BadBody):
        list(chunked_body(io.BytesIO(data)))


def test_a_large_body_is_refused() -> None:
    with pytest.raises(TooLarge):
        read_whole(iter([b"x" * 60, b"x" * 60]), 100)
