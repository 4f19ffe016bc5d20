import contextlib
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from au2.client.http.transport import Transport
from au2.client.http.urls import parse_address
from au2.domain.errors import (
    InvalidPackage,
    NotAuthenticated,
    ServerUnreachable,
    TooLarge,
    UnexpectedAnswer,
)
from tests.support.servers.certificates import Certificates, make_certificates
from tests.unit.client.api import Answer, Api


def test_a_call_carries_what_it_must(api: Api, transport: Transport) -> None:
    api.answer("POST /things", {"id": 1})

    answer = transport.call("POST", "/things", query={"a": "ä b", "n": 2, "x": None}, document=[1])

    (request,) = api.requests
    assert answer == {"id": 1}
    assert request.query == {"a": "ä b", "n": "2"}
    assert request.document == [1]
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["content-type"] == "application/json"


def test_one_connection_serves_all_calls(api: Api, transport: Transport) -> None:
    api.answer("GET /a", 1)
    api.fail("GET /b", 404, "not-found", "Gone.")
    api.routes["DELETE /c"] = Answer(204)

    transport.call("GET", "/a")
    with pytest.raises(Exception, match="Gone"):
        transport.call("GET", "/b")
    assert transport.call("DELETE", "/c") is None

    assert len({request.connection for request in api.requests}) == 1


def test_an_idle_connection_that_the_server_closed_is_opened_again(
    api: Api, transport: Transport
) -> None:
    api.in_turn("GET /a", Answer(body=b"1", cut=True), Answer(body=b"2"))
    with pytest.raises(ServerUnreachable, match="broke"):
        transport.call("GET", "/a")

    assert transport.call("GET", "/a") == 2


def test_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = parse_address(f"127.0.0.1:{unused.getsockname()[1]}")
        transport = Transport(address, token=None, environment={})

        with pytest.raises(ServerUnreachable, match=r"cannot be reached: connection refused"):
            transport.call("GET", "/a")


@pytest.fixture
def secure_server(tmp_path: Path) -> Iterator[tuple[int, Certificates]]:
    """A port that shakes hands and no more, with a certificate of an authority of its own."""
    files = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True):
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], files
        server.shutdown()
        thread.join()


def failure_of(url: str, environment: Mapping[str, str] | None = None) -> ServerUnreachable:
    transport = Transport(parse_address(url), token=None, environment=environment or {})
    with pytest.raises(ServerUnreachable) as caught:
        transport.call("GET", "/a")
    return caught.value


def test_a_certificate_that_nobody_vouches_for(
    secure_server: tuple[int, Certificates], tmp_path: Path
) -> None:
    port, files = secure_server
    url = f"https://127.0.0.1:{port}"
    missing = tmp_path / "missing.crt"

    unknown = failure_of(url)
    without_file = failure_of(url, {"SSL_CERT_FILE": str(missing)})
    with_another = failure_of(url, {"SSL_CERT_FILE": str(files.certificate)})

    assert unknown.message.startswith(f"The certificate of {url} is not trusted: ")
    assert "SSL_CERT_FILE=ca.crt au2 …" in str(unknown.hint)
    assert without_file.hint == f"There is no file '{missing}', which SSL_CERT_FILE names."
    assert with_another.hint == unknown.hint


def test_plain_http_to_a_server_with_tls(secure_server: tuple[int, Certificates]) -> None:
    port, _ = secure_server

    failure = failure_of(f"http://127.0.0.1:{port}")

    assert failure.message == f"The server http://127.0.0.1:{port} speaks TLS."
    assert f"https://127.0.0.1:{port}" in str(failure.hint)


def test_tls_to_a_server_without_it(api: Api) -> None:
    secure = api.url.replace("http://", "https://")

    failure = failure_of(secure)

    assert failure.message == f"The server {secure} does not speak TLS."
    assert api.url in str(failure.hint)


@pytest.mark.slow
def test_a_server_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = parse_address(f"127.0.0.1:{server.getsockname()[1]}")
        transport = Transport(address, token=None, environment={})

        def body() -> Iterator[bytes]:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                yield b"x"

        with pytest.raises(ServerUnreachable, match="broke"):
            transport.send("PUT", "/a", body=body(), size_bytes=1, media_type="x/y")


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_json(api: Api, transport: Transport, body: bytes) -> None:
    api.routes["GET /a"] = Answer(body=body)

    with pytest.raises(UnexpectedAnswer):
        transport.call("GET", "/a")


def test_a_redirect_is_not_followed_with_the_token(api: Api, transport: Transport) -> None:
    api.routes["GET /a"] = Answer(302, b"")

    with pytest.raises(UnexpectedAnswer):
        transport.call("GET", "/a")
    assert len(api.requests) == 1


def test_an_expired_token_says_how_to_log_in(api: Api, transport: Transport) -> None:
    api.fail("GET /a", 401, "token-expired", "The token has expired.")

    with pytest.raises(NotAuthenticated) as caught:
        transport.call("GET", "/a")

    assert caught.value.code == "token-expired"
    assert "au2 login" in str(caught.value.hint)


@pytest.mark.parametrize("size_bytes", [6, None])
def test_a_body_is_streamed(api: Api, transport: Transport, size_bytes: int | None) -> None:
    api.answer("PUT /a", "ok")

    answer = transport.send(
        "PUT", "/a", body=iter([b"abc", b"def"]), size_bytes=size_bytes, media_type="x/y"
    )

    (request,) = api.requests
    assert answer == "ok"
    assert request.body == b"abcdef"
    assert request.headers["content-type"] == "x/y"
    assert ("transfer-encoding" in request.headers) is (size_bytes is None)


def test_a_body_that_fails_leaves_no_half_sent_connection(api: Api, transport: Transport) -> None:
    def body() -> Iterator[bytes]:
        yield b"abc"
        raise InvalidPackage("changed")

    api.answer("GET /a", 1)
    with pytest.raises(InvalidPackage):
        transport.send("PUT", "/b", body=body(), size_bytes=100, media_type="x/y")

    assert transport.call("GET", "/a") == 1


def test_a_server_that_refuses_a_long_body_is_heard() -> None:
    error = json.dumps({"error": {"code": "too-large", "message": "Too much."}}).encode()
    head = f"HTTP/1.1 413 Too Large\r\nContent-Length: {len(error)}\r\n\r\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = parse_address(f"127.0.0.1:{server.getsockname()[1]}")
        transport = Transport(address, token=None, environment={})

        def body() -> Iterator[bytes]:
            connection, _ = server.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(head + error)
                # Only the way in is closed, so that the answer is not lost with it.
                connection.shutdown(socket.SHUT_WR)
                yield b"x"

        with pytest.raises(TooLarge, match="Too much"):
            transport.send("PUT", "/a", body=body(), size_bytes=1, media_type="x/y")
        transport.close()


def test_a_stream_that_is_cut_says_so(api: Api, transport: Transport) -> None:
    api.routes["GET /log"] = Answer(body=b"abc", cut=True, chunked=True)

    with pytest.raises(ServerUnreachable), transport.stream("/log", accept="*/*") as response:
        response.read()
