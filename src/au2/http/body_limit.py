"""Refusing JSON bodies that are too large before anything reads them."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from au2.domain.errors import TooLarge
from au2.http.errors import format_error

LimitOf = Callable[[str, str], int | None]
"""Method and path to the most bytes; None: no limit here."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """ASGI middleware."""

    app: ASGIApp
    limit_of: LimitOf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, by what the request states or else by what comes."""
        limit = None
        if scope["type"] == "http":
            limit = self.limit_of(scope["method"], scope["path"])
        if limit is None:
            await self.app(scope, receive, send)
            return
        if _stated_bytes(scope) > limit:
            await _refuse(limit, send)
            return
        await self.app(scope, _counted(receive, limit), send)


def _stated_bytes(scope: Scope) -> int:
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    return int(stated) if stated.isdigit() else 0


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def receive_counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return receive_counted


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request is larger than the {limit} bytes that are taken here.")


async def _refuse(limit: int, send: Send) -> None:
    body = format_error(_too_large(limit))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": TooLarge.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
