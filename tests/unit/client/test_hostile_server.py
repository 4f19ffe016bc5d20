"""A server that means no good: what it sends is bounded in memory, and ends in a sentence."""

import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from au2.client.http.transport import Transport
from au2.client.http.urls import parse_address
from au2.client.resources.job_logs import follow_log, read_log
from au2.domain.errors import Au2Error, ServerUnreachable, UnexpectedAnswer, all_errors
from au2.domain.network_retry import RetryBudget
from tests.support.network.hostile_server import HostileServer, answer, endless, hostile_server

MEBIBYTE = 1 << 20
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ERROR_START = b'{"error": {"code": "conflict", "message": "'
EVENTS, BYTES = "text/event-stream", "application/octet-stream"


@contextmanager
def talking_to(
    *answers: bytes | Callable[[], Iterable[bytes]],
) -> Iterator[tuple[HostileServer, Transport]]:
    """Yield a server that gives these answers in turn, the last one for ever, and a connection."""
    waiting = list(answers)

    def script(_: str) -> Iterable[bytes]:
        given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [given] if isinstance(given, bytes) else given()

    with hostile_server(script) as server:
        transport = Transport(parse_address(server.url), token="secret", environment={})
        try:
            yield server, transport
        finally:
            transport.close()


@contextmanager
def memory_below(limit_bytes: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit_bytes
    finally:
        tracemalloc.stop()


def budget() -> RetryBudget:
    """None at all."""
    return RetryBudget(pause=lambda _: None, clock=lambda: 0.0, limit_seconds=0)


@pytest.mark.parametrize(
    "give",
    [
        lambda: endless(b'["', b"a"),
        lambda: endless(b"", b"[],"),
        lambda: endless(b"", b"["),
        lambda: endless(b"", b"x", status="500 Error"),
        lambda: endless(ERROR_START, b"x", status="409 Conflict"),
        lambda: [OK + b"Content-Length: 999999999999999999\r\n\r\n" + b"[" * MEBIBYTE],
        lambda: [answer(b"[" * MEBIBYTE)],
        lambda: [answer(b"[" + b"{}," * (4 * MEBIBYTE) + b"{}]")],
        lambda: [answer(b"[" + b"[]," * (4 * MEBIBYTE) + b"[]]")],
    ],
    ids=[
        *("text", "lists", "depth", "error", "message", "length", "deep", "objects", "many"),
    ],
)
def test_answers_are_bounded(give: Callable[[], Iterable[bytes]]) -> None:
    with talking_to(give) as (server, transport), memory_below(200 * MEBIBYTE):
        with pytest.raises(Au2Error) as caught:
            transport.call("GET", "/x")
        assert len(str(caught.value)) < 10_000
        assert server.sent_bytes < 100 * MEBIBYTE


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity", b"9" * 5000])
def test_numbers_that_are_none(number: bytes) -> None:
    with (
        talking_to(answer(b'{"a": ' + number + b"}")) as (_, transport),
        pytest.raises(UnexpectedAnswer),
    ):
        transport.call("GET", "/x")


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * MEBIBYTE + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"y" * MEBIBYTE + b"\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 \x1b[2J OK\r\n\r\n",
        b"\x00" * 1000,
        b"SSH-2.0-OpenSSH_9\r\n",
        b"",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"5" * MEBIBYTE,
        OK + b"Content-Length: -1\r\n\r\n\x1b[2J",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    ],
    ids=range(13),
)
def test_heads_that_are_none(head: bytes) -> None:
    with talking_to(head) as (_, transport), memory_below(100 * MEBIBYTE), pytest.raises(Au2Error):
        transport.call("GET", "/x")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Moved", "304 Same"])
def test_nobody_is_sent_elsewhere(status: str) -> None:
    with talking_to(answer(b"{}")) as (other, _):
        status_line = f"HTTP/1.1 {status}\r\n"
        headers = f"Location: {other.url}/api/v1/x\r\nContent-Length: 0\r\nConnection: close\r\n"
        with talking_to(f"{status_line}{headers}\r\n".encode()) as (server, transport):
            for method in ("GET", "POST", "DELETE"):
                with pytest.raises(UnexpectedAnswer, match=f"status {status[:3]}"):
                    transport.call(method, "/x")
            assert len(server.asked) == 3
        assert other.asked == []


def error_of(code: str, message: str, **more: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, **more}}).encode()


@pytest.mark.parametrize("code", sorted(all_errors()))
def test_errors_of_any_code_and_form(code: str) -> None:
    details = [
        {"message": {}, "file": [], "pointer": 1, "line": "x"},
        7,
        {"message": "m\nn", "file": "f", "line": 5},
    ]
    body = error_of(code, "a\nhint: curl evil\x1b[2J", hint="b\nc", details=details)
    given = answer(body, status="418 Teapot")
    with talking_to(given) as (_, transport), pytest.raises(Au2Error) as caught:
        transport.call("GET", "/x")
    error = caught.value
    assert "\n" not in f"{error.message}{error.hint}{error.details}"
    assert [(detail.file, detail.line) for detail in error.details] == [(None, None), ("f", 5)]


def test_an_error_is_not_endless() -> None:
    body = error_of("conflict", "x" * 90_000, details=[{"message": "m" * 9000}] * 100)
    given = answer(body, status="409 Conflict")
    with talking_to(given) as (_, transport), pytest.raises(Au2Error) as caught:
        transport.call("GET", "/x")
    assert len(caught.value.message) < 5000
    assert all(len(detail.message) < 5000 for detail in caught.value.details)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"data: ", b"x"),
        (b"", b"data: " + b"x" * 2000 + b"\n"),
        (b"", b":" + b" " * 2000 + b"\n"),
        (b"id: ", b"9"),
        (b"", b"\0"),
    ],
    ids=["line", "lines", "comments", "id", "zeros"],
)
def test_events_are_bounded(start: bytes, piece: bytes) -> None:
    with (
        talking_to(lambda: endless(start, piece, media_type=EVENTS)) as (_, transport),
        memory_below(120 * MEBIBYTE),
        pytest.raises(UnexpectedAnswer, match="too long"),
    ):
        list(follow_log(transport, 1, attempt=1, budget=budget()))


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"records": {}}',
        '{"records": [1]}',
        '{"records": [{"time": 1, "stream": "stdout", "text": "x"}]}',
        '{"records": [{"time": "t", "stream": "\\u001b[2J", "text": "x"}]}',
        '{"records": [{"time": "t", "stream": "stdout", "text": "\\ud800"}]}',
        '{"records": [{"time": "t", "stream": "stdout", "base64": "!"}]}',
        '{"records": [{"time": "t", "stream": "stdout", "base64": 7}]}',
    ],
    ids=range(10),
)
def test_events_of_other_forms(data: str) -> None:
    body = f"event: log\nid: 1\ndata: {data}\n\n".encode()
    given = answer(body, media_type=EVENTS)
    with talking_to(given) as (_, transport), pytest.raises(UnexpectedAnswer):
        list(follow_log(transport, 1, attempt=1, budget=budget()))


def test_records_of_a_log_are_bounded() -> None:
    with (
        talking_to(lambda: endless(b"", b"x", media_type=BYTES)) as (_, transport),
        memory_below(100 * MEBIBYTE),
        pytest.raises(UnexpectedAnswer, match="too long"),
    ):
        list(read_log(transport, 1, attempt=1, budget=budget()))


def test_a_connection_that_breaks_off_is_told() -> None:
    cut = OK + b"Content-Length: 100\r\n\r\n{"
    with talking_to(cut) as (_, transport), pytest.raises(ServerUnreachable):
        transport.call("GET", "/x")
