"""Clients that nobody knows yet: what they may cost, in memory, time and connections."""

import asyncio
import json
import logging
import resource
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from au2.domain.throttle import client_of_address
from au2.server.http.limits import HttpLimits
from au2.server.http.server import ApiServer
from au2.server.settings.endpoint import TlsFiles
from tests.support.network.raw_http import (
    connected,
    exchange,
    read_all,
    read_answer,
    read_head,
    status_of,
)
from tests.support.servers.certificates import make_certificates
from tests.support.waiting import wait_until

LIMITS = HttpLimits(
    connections=6,
    connections_per_client=4,
    head_bytes=2000,
    target_bytes=1000,
    headers=10,
    head_seconds=0.2,
    idle_seconds=1,
    body_seconds=0.2,
    anonymous_body_seconds=1.0,
)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class App:
    """Answers ``/`` at once, ``/body`` after the body, ``/wait`` when told to."""

    go: threading.Event = field(default_factory=threading.Event)
    endings: list[str] = field(default_factory=list)
    is_known: bool = False
    waiting: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        if self.is_known:
            scope["state"]["actor_email"] = "a@example.com"
        if scope["path"] == "/body":
            while (message := await receive()).get("more_body"):
                pass
            self.endings.append(message["type"])
        self.waiting += scope["path"] == "/wait"
        while scope["path"] == "/wait" and not self.go.is_set():
            await asyncio.sleep(0.01)
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def serving(app: App, limits: HttpLimits = LIMITS, **options: Any) -> Iterator[str]:
    ready = threading.Event()
    server = ApiServer(
        app,
        on_ready=ready.set,
        stopping=threading.Event(),
        limits=limits,
        loop=options.pop("loop", "asyncio"),
        **options,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert ready.wait(60)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        app.go.set()
        server.stop()
        thread.join()


@pytest.fixture(params=["asyncio", "uvloop"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with serving(App(), loop=request.param) as address:
        yield address


def head(*headers: str, target: str = "/", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (head("A: " + "a" * 1900), 200),
        (head(f"A: {'a' * 2100}"), 431),
        (head(*(f"A{n}: a" for n in range(9))), 200),
        (head(*(f"A{n}: a" for n in range(10))), 431),
        (head(*(f"A{n}: a" for n in range(100_000))), 431),
        (head(target="/" + "a" * 900), 200),
        (head(target="/?" + "a" * 1100), 414),
        (b"GET /" + b"a" * 5000, 431),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 5000, 431),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000, 431),
        (b"\0" * 100, 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"CONNECT a:80 HTTP/1.1\r\n\r\n", 400),
        (b"GET \xff\xfe HTTP/1.1\r\n\r\n", 400),
        (b"GET http://x HTTP/1.1\r\n\r\n", 400),
        (GET * 200, None),
    ],
)
def test_heads_are_bounded(address: str, request_bytes: bytes, status: int | None) -> None:
    with connected(address) as connection:
        try:
            connection.sendall(request_bytes)
        except (BrokenPipeError, ConnectionResetError):
            assert status != 200
        found = read_head(connection) if status == 200 else read_all(connection)
    if status is not None:
        assert status_of(found) == status
    if status not in (None, 200):
        document = json.loads(found.partition(b"\r\n\r\n")[2])
        assert document["error"]["message"]


def test_headers_without_end_are_not_read_on(address: str) -> None:
    with connected(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        lines = 0
        try:
            while lines < 100_000:
                connection.sendall(b"A: " + b"a" * 1000 + b"\r\n")
                lines += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert lines < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET + b"\r\n", GET + b"GET"])
def test_half_requests_come_to_an_end(address: str, sent: bytes) -> None:
    with connected(address) as connection:
        connection.sendall(sent)
        found = read_all(connection)
    assert b"408" in found if sent == b"GET / HT" else True


@pytest.mark.slow
def test_a_head_that_drips_comes_to_an_end(address: str) -> None:
    found: bytes | None = None
    with connected(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        connection.settimeout(0.05)
        while found is None:
            connection.sendall(b"A: b\r\n")
            try:
                found = connection.recv(1000)
            except TimeoutError:
                continue
    assert status_of(found) == 408


POST = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_body_that_stops_comes_to_an_end(loop: str) -> None:
    app = App(is_known=True)
    with serving(app, loop=loop) as address:
        assert status_of(exchange(address, POST + b"some")) == 408
        wait_until(lambda: app.endings == ["http.disconnect"])


@pytest.mark.slow
def test_a_stranger_has_not_for_ever_for_a_body() -> None:
    app = App()
    limits = replace(LIMITS, body_seconds=60.0)
    with serving(app, limits) as address, connected(address) as connection:
        connection.sendall(POST)
        connection.settimeout(0.05)
        found = b""
        while not found:
            connection.sendall(b"a")
            try:
                found = connection.recv(1000)
            except TimeoutError:
                continue
        assert status_of(found) == 408


@pytest.mark.slow
def test_a_known_sender_may_be_slow() -> None:
    app = App(is_known=True)
    limits = replace(LIMITS, body_seconds=60.0, anonymous_body_seconds=0.0)
    with serving(app, limits) as address, connected(address) as connection:
        connection.sendall(POST.replace(b"1000000", b"30"))
        for _ in range(30):
            threading.Event().wait(0.05)
            connection.sendall(b"a")
        assert status_of(read_head(connection)) == 200


CHUNKED = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"


@pytest.mark.parametrize("overhead", [b"0\r\n" + b"A: b\r\n" * 100_000, b"1;" + b"a" * 600_000])
def test_what_is_beside_a_body_is_bounded(address: str, overhead: bytes) -> None:
    pieces = [overhead[at : at + 1000] for at in range(0, len(overhead), 1000)]
    assert status_of(exchange(address, CHUNKED, *pieces)) in (400, None)


def test_trailers_are_thrown_away(address: str) -> None:
    with connected(address) as connection:
        connection.sendall(CHUNKED + b"0\r\nA: b\r\n\r\n")
        assert status_of(read_head(connection)) == 200


def test_another_protocol_is_not_waited_for(address: str) -> None:
    asked = head("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
    assert exchange(address, asked).startswith(b"HTTP/1.1 200")


def test_a_body_that_nobody_wants_is_read_away(address: str) -> None:
    body = b"a" * 1_000_000
    sent = head(f"Content-Length: {len(body)}", method="POST") + body
    with connected(address) as connection:
        connection.sendall(sent)
        assert status_of(read_answer(connection)) == 200
        connection.sendall(GET)
        assert status_of(read_answer(connection)) == 200


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_before_the_body_arrives_also_where_the_connection_ends(
    loop: str, version: str
) -> None:
    body = b"x" * (8 << 20)
    asked = f"POST / HTTP/{version}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(App(), loop=loop) as address, connected(address) as connection:
        connection.sendall(asked.encode() + body[:-1])
        assert read_answer(connection).endswith(b"ok")
        connection.sendall(body[-1:])
        assert read_all(connection) == b""


def waits(connection: socket.socket) -> bool:
    connection.settimeout(0.0)
    try:
        return bool(connection.recv(1000))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


LASTING = replace(LIMITS, head_seconds=600.0, idle_seconds=600, body_seconds=600.0)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_idle_connections_give_way(caplog: pytest.LogCaptureFixture, loop: str) -> None:
    with (
        serving(App(), LASTING, loop=loop) as address,
        ExitStack() as stack,
        caplog.at_level(logging.WARNING),
    ):
        idle = [stack.enter_context(connected(address)) for _ in range(50)]
        assert status_of(exchange(address, head("Connection: close"))) == 200
        wait_until(lambda: sum(map(waits, idle)) <= LIMITS.connections_per_client)
    # Whatever their number, it is one line.
    lines = [line for line in caplog.messages if "a client has 4 connections" in line]
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_who_gave_way_is_gone(loop: str) -> None:
    """Also while it is being opened: nothing stays that a server would wait for when it stops."""
    ready = threading.Event()
    server = ApiServer(
        App(), on_ready=ready.set, stopping=threading.Event(), limits=LASTING, loop=loop
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with ExitStack() as stack:
        # All are there before the first is accepted.
        idle = [stack.enter_context(connected(address)) for _ in range(200)]
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert ready.wait(60)
        wait_until(lambda: sum(map(waits, idle)) <= LIMITS.connections_per_client)
        wait_until(lambda: len(server.server_state.connections) <= LIMITS.connections_per_client)
    wait_until(lambda: not server.server_state.connections)
    server.stop()
    thread.join()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_busy_connections_do_not_give_way(loop: str) -> None:
    app = App()
    with serving(app, LASTING, loop=loop) as address, ExitStack() as stack:
        busy = [stack.enter_context(connected(address)) for _ in range(4)]
        for connection in busy:
            connection.sendall(head(target="/wait"))
        wait_until(lambda: app.waiting == 4)
        refused = exchange(address, GET)
        assert status_of(refused) == 503
        assert b"retry-after: 10" in refused
        app.go.set()
        assert [status_of(read_head(connection)) for connection in busy] == [200] * 4
        with connected(address) as connection:
            connection.sendall(GET)
            assert status_of(read_head(connection)) == 200


def test_a_proxy_has_all_connections_but_not_more() -> None:
    app = App()
    with (
        serving(app, LASTING, trusted_proxies=["127.0.0.1"]) as address,
        ExitStack() as stack,
    ):
        busy = [stack.enter_context(connected(address)) for _ in range(6)]
        for connection in busy:
            connection.sendall(head(target="/wait"))
        wait_until(lambda: app.waiting == 6)
        assert status_of(exchange(address, GET)) == 503
        app.go.set()
        assert [status_of(read_head(connection)) for connection in busy] == [200] * 6


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_tls_that_does_not_come(tmp_path: Path, loop: str) -> None:
    certificate = make_certificates(tmp_path)
    tls = TlsFiles(certificate.certificate, certificate.key)
    limits = replace(LIMITS, tls_seconds=0.2)
    context = ssl.create_default_context(cafile=str(certificate.authority))
    with serving(App(), limits, tls=tls, loop=loop) as address, connected(address) as silent:
        with ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(connected(address))
            with (
                connected(address) as connection,
                context.wrap_socket(connection, server_hostname="127.0.0.1") as secure,
            ):
                secure.sendall(head("Connection: close"))
                assert status_of(read_head(secure)) == 200
        assert read_all(silent) == b""


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("no address", "no address"),
        ("", ""),
    ],
)
def test_who_counts_as_one_client(address: str, client: str) -> None:
    assert client_of_address(address) == client


FIT = """
import logging, resource
from au2.server.http.limits import HttpLimits, fit_limits
logging.basicConfig(format="%(message)s")
found = fit_limits(HttpLimits(connections=1000))
print(found.connections, found.connections_per_client, resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "said"),
    [
        (1024, 8192, "1000 500 (3256, 8192)"),
        (8192, 8192, "1000 500 (8192, 8192)"),
        (128, 1024, "256 128 (1024, 1024)"),
        (64, 128, "21 10 (128, 128)"),
    ],
)
def test_connections_fit_the_limit_of_open_files(soft: int, hard: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIT],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
    )
    assert done.stdout.strip() == said
    assert ("the limit of open files is" in done.stderr) == (hard < 3256)
