"""Request log: one line for each request, at its end.

``<method> <path> <status> <milliseconds> <actor> <address>``. The query is left out, since clients
may put secrets there, and so are headers. Health checks are logged at level "debug".
"""

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from au2.http.audit_log import find_actor

_MOST_PATH_CHARACTERS = 500
_HEALTH = "/api/v1/health"
logger = logging.getLogger(__name__)


class RequestLog:
    """ASGI application around another, whose requests it logs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it when it has ended, however that was."""
        level = logging.DEBUG if scope.get("path") == _HEALTH else logging.INFO
        if scope["type"] != "http" or not logger.isEnabledFor(level):
            await self._app(scope, receive, send)
            return
        status: int | None = None

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.monotonic()
        try:
            await self._app(scope, receive, send_noting)
        finally:
            logger.log(level, "%s", format_request(scope, status, time.monotonic() - began))


def format_request(scope: Scope, status: int | None, seconds: float) -> str:
    """Return the line of a request. ``status``: None if no response was begun."""
    client: Any = scope.get("client")
    return " ".join(
        (
            str(scope["method"]),
            _format_path(scope),
            "-" if status is None else str(status),
            f"{seconds * 1000:.0f}ms",
            find_actor(scope.get("state") or {}) or "-",
            "-" if client is None else str(client[0]),
        )
    )


def _format_path(scope: Scope) -> str:
    """Return the path as it was sent, in ASCII without spaces, cut where it is long."""
    raw: bytes = scope.get("raw_path") or str(scope["path"]).encode(errors="surrogatepass")
    path = "".join(chr(byte) if 0x21 <= byte <= 0x7E else f"%{byte:02X}" for byte in raw)
    if len(path) <= _MOST_PATH_CHARACTERS:
        return path
    return f"{path[:_MOST_PATH_CHARACTERS]}...({len(path)})"
