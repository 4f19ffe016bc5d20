"""The line of each request in the log."""

import asyncio
import logging
from typing import Any

import pytest

from au2.server.http.request_log import RequestLog, format_request

LOGGER = "au2.server.http.request_log"
ACTOR = {"actor_email": "ada@example.com"}


def scope_of(raw_path: bytes = b"/api/v1/jobs", **changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": raw_path.decode(errors="replace"),
        "raw_path": raw_path,
        "query_string": b"",
        "headers": [],
        "client": ("10.1.2.3", 4711),
        "state": {},
        **changes,
    }


async def answer(scope: Any, _receive: Any, send: Any) -> None:
    """Say who asked, and answer."""
    scope["state"].update(ACTOR)
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def fail(_scope: Any, _receive: Any, _send: Any) -> None:
    raise RuntimeError("broken")


def lines_of(
    app: Any, scope: dict[str, Any], caplog: pytest.LogCaptureFixture, level: int = logging.INFO
) -> list[str]:
    async def nothing(*_: Any) -> Any:
        return {}

    with caplog.at_level(level, LOGGER):
        asyncio.run(RequestLog(app)(scope, nothing, nothing))
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def test_one_line_has_method_path_status_time_and_actor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    [line] = lines_of(answer, scope_of(method="POST"), caplog)
    words = line.split(" ")
    assert words[:3] == ["POST", "/api/v1/jobs", "201"]
    assert words[3].removesuffix("ms").isdigit()
    assert words[4:] == ["ada@example.com", "10.1.2.3"]


def test_a_request_that_fails_has_a_line_too(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuntimeError):
        lines_of(fail, scope_of(), caplog)
    [line] = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert line.startswith("GET /api/v1/jobs - ")


def test_health_checks_are_logged_at_debug_only(caplog: pytest.LogCaptureFixture) -> None:
    scope = scope_of(b"/api/v1/health")
    assert lines_of(answer, scope, caplog) == []
    assert len(lines_of(answer, scope, caplog, logging.DEBUG)) == 1


def test_queries_and_headers_are_left_out() -> None:
    scope = scope_of(
        query_string=b"token=au2_secret", headers=[(b"authorization", b"Bearer au2_secret")]
    )
    assert "secret" not in format_request(scope, 200, 0.1)


@pytest.mark.parametrize(
    ("raw_path", "shown"),
    [
        (b"/a%0A2030 INFO forged", "/a%0A2030%20INFO%20forged"),
        (b"/\x1b[31m\xff\x00", "/%1B[31m%FF%00"),
        ("/\u202eevil".encode(), "/%E2%80%AEevil"),
        (b"/" + b"a" * 10_000, "/" + "a" * 499 + "...(10001)"),
        (b"*", "*"),
    ],
)
def test_hostile_paths_make_one_word(raw_path: bytes, shown: str) -> None:
    line = format_request(scope_of(raw_path), 404, 0.0123)
    assert line == f"GET {shown} 404 12ms - 10.1.2.3"


def test_who_is_not_known_is_a_dash() -> None:
    assert format_request(scope_of(client=None, state=ACTOR), None, 1.0) == (
        "GET /api/v1/jobs - 1000ms ada@example.com -"
    )
