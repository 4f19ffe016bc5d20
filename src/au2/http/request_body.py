"""Request bodies: size limits, streams in large chunks, JSON parsed after the check of rights."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from au2.domain.errors import TooLarge
from au2.http.audit_log import sender_of
from au2.http.concurrency import Slots
from au2.http.dependencies import CostlyOf
from au2.http.errors import format_error
from au2.wire.base import WireType
from au2.wire.violations import adapter_of

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


_PIECE_BYTES = 1 << 20
_PIECE_SECONDS = 5.0


async def read_pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in larger pieces than the network's; a slow sender's in smaller ones.

    Raises:
        ClientDisconnect: it broke off. All that came before was yielded; it is not the whole, so
            nothing may be concluded from it.
    """
    broken: ClientDisconnect | None = None
    waiting: list[bytes] = []
    waiting_bytes = 0
    clock = asyncio.get_running_loop().time
    handed_at = clock()
    try:
        async for chunk in request.stream():
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            if waiting_bytes >= _PIECE_BYTES or clock() - handed_at >= _PIECE_SECONDS:
                yield b"".join(waiting)
                waiting, waiting_bytes, handed_at = [], 0, clock()
    except ClientDisconnect as error:
        broken = error
    if waiting_bytes:
        yield b"".join(waiting)
    if broken is not None:
        raise broken


_SMALL_BYTES = 64 << 10
"""A body up to here is parsed at once: that is quicker than to hand it to a thread."""
_MOST_MISTAKES = 1000
"""That are looked at one by one; a hostile body has a million."""
BODY_MODEL = "body_model"
_Wire = TypeVar("_Wire", bound=WireType)


async def _anybody() -> None:
    """No rights are needed."""


def json_body(model: type[WireType], *, after: Callable[..., Any] = _anybody) -> Any:
    """Return the dependency that gives an endpoint its body.

    Args:
        model: what it is.
        after: the dependency that refuses those who may not send it.
    """

    async def read(
        request: Request, costly: CostlyOf, _: Annotated[object, Depends(after)]
    ) -> WireType:
        with ExitStack() as stack:
            body = await read_body(request, stack, costly.bodies, small_bytes=_SMALL_BYTES)
            if len(body) <= _SMALL_BYTES:
                return parse_model(model, body)
            return await costly.parsing.run(sender_of(request), partial(parse_model, model, body))

    return marked_body(model, read)


def marked_body(model: type[WireType], read: Callable[..., Any]) -> Any:
    """Return the dependency on ``read``, which gives a model, so that the document names that."""
    setattr(read, BODY_MODEL, model)
    return Depends(read)


async def read_body(request: Request, stack: ExitStack, slots: Slots, *, small_bytes: int) -> bytes:
    """Return a body; one that is not small is counted for its sender as long as the stack lives.

    Raises:
        TooManyRequests, Busy: too many are there at the moment.
    """
    body = bytearray()
    is_counted = False
    async for piece in request.stream():
        body += piece
        if len(body) > small_bytes and not is_counted:
            stack.enter_context(slots.take(sender_of(request)))
            is_counted = True
    return bytes(body)


def parse_model(model: type[_Wire], body: bytes) -> _Wire:
    """Return the model that a body is. Raises RequestValidationError, HTTPException."""
    value = parse_json(body)
    try:
        return adapter_of(model).validate_python(value)
    except ValidationError as error:
        raise refuse_violations(error) from error


def parse_json(body: bytes) -> Any:
    """Return the value that a body is. Raises RequestValidationError, HTTPException."""
    if not body:
        missing = {"type": "missing", "loc": ("body",), "msg": "Field required"}
        raise RequestValidationError([missing])
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body", error.pos), "msg": error.msg}]
        ) from error
    except (ValueError, RecursionError) as error:
        # No text, a number of thousands of digits, or too deep.
        raise HTTPException(400) from error


def refuse_violations(error: ValidationError, *place: str | int) -> RequestValidationError:
    """Return the refusal of a body for what is wrong with it.

    Args:
        error: what is wrong.
        place: the part of the body that was looked at.
    """
    if error.error_count() > _MOST_MISTAKES:
        many = f"There are {error.error_count()} mistakes"
        return RequestValidationError([{"type": "many", "loc": ("body", *place), "msg": many}])
    found = error.errors(include_url=False, include_input=False)
    return RequestValidationError(
        [{**mistake, "loc": ("body", *place, *mistake["loc"])} for mistake in found]
    )


def find_body_model(dependant: Dependant) -> type[WireType] | None:
    """Return what the endpoint with these dependencies takes as its body, if anything."""
    return next(_body_models(dependant), None)


def _body_models(dependant: Dependant) -> Iterator[type[WireType]]:
    model = getattr(dependant.call, BODY_MODEL, None)
    if model is not None:
        yield model
    for below in dependant.dependencies:
        yield from _body_models(below)
