"""A certificate that was renewed while the server runs."""

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from au2.server.http.server import ApiServer
from au2.server.settings.endpoint import TlsFiles
from tests.support.servers.certificates import make_certificates
from tests.support.waiting import wait_until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()[-2:]})


@contextmanager
def serving(tls: TlsFiles | None) -> Iterator[tuple[ApiServer, int]]:
    ready = threading.Event()
    server = ApiServer(app, on_ready=ready.set, stopping=threading.Event(), tls=tls)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert ready.wait(60)
    try:
        yield server, listener.getsockname()[1]
    finally:
        server.stop()
        thread.join()


@contextmanager
def connected(port: int, authority: Path) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        context.wrap_socket(connection, server_hostname="127.0.0.1") as secure,
    ):
        yield secure


def answer_of(connection: ssl.SSLSocket) -> bytes:
    connection.sendall(GET)
    answer = b""
    while not answer.endswith(b"ps"):  # Of "https".
        answer += connection.recv(1000)
    return answer


def is_trusted(port: int, authority: Path) -> bool:
    try:
        with connected(port, authority) as connection:
            return answer_of(connection).startswith(b"HTTP/1.1 200")
    except ssl.SSLCertVerificationError:
        return False


def test_new_connections_get_the_new_one_and_old_ones_go_on(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    old_authority = tmp_path / "old.crt"
    old_authority.write_bytes(files.authority.read_bytes())
    with (
        serving(TlsFiles(files.certificate, files.key)) as (server, port),
        connected(port, old_authority) as before,
    ):
        assert answer_of(before)
        make_certificates(tmp_path)
        assert is_trusted(port, old_authority), "until it is told"

        server.reload()

        wait_until(lambda: is_trusted(port, files.authority))
        assert not is_trusted(port, old_authority)
        assert answer_of(before)


@pytest.mark.parametrize("broken", ["certificate", "key", "missing"])
def test_a_broken_file_keeps_the_old_one(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    files = make_certificates(tmp_path)
    with serving(TlsFiles(files.certificate, files.key)) as (server, port):
        if broken == "missing":
            files.key.unlink()
        else:
            getattr(files, broken).write_text("-----BEGIN NOTHING-----\n")
        with caplog.at_level(logging.ERROR):
            server.reload()
            wait_until(lambda: "the certificate from before stays in use" in caplog.text)
        assert is_trusted(port, files.authority)


def test_without_tls_there_is_nothing_to_reload(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), serving(None) as (server, _):
        server.reload()
        wait_until(lambda: "the settings name none" in caplog.text)
