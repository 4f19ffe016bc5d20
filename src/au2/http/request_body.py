"""Request bodies: size limits, streams in large chunks, JSON parsed after the check of rights.

The framework reads and parses a body before anything else, in the event loop. So endpoints take
theirs by a dependency, which comes after the check of rights: a body that is not allowed costs
nothing, whatever its size. A large body is parsed in a thread, one at a time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

import anyio
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
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
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.wire.base import WireType
from au2.wire.violations import adapter_of

LimitOf = Callable[[str, str], int | None]
"""Function from method and path to the limit in bytes; None: no limit."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """ASGI middleware: refuses bodies above a limit."""

    app: ASGIApp
    limit_of: LimitOf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, by the stated length or else by the bytes received."""
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
    return TooLarge(f"The request is larger than the limit of {limit} bytes.")


async def _refuse(limit: int, send: Send) -> None:
    body = format_error(_too_large(limit))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": TooLarge.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_CHUNK_BYTES = 1 << 20
_CHUNK_SECONDS = 5.0


async def read_chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in larger chunks than the network's; a slow sender's in smaller ones.

    Raises:
        ClientDisconnect: the body broke off, after all received bytes were yielded. Nothing may be
            concluded from them, since the rest is missing.
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
            if waiting_bytes >= _CHUNK_BYTES or clock() - handed_at >= _CHUNK_SECONDS:
                yield b"".join(waiting)
                waiting, waiting_bytes, handed_at = [], 0, clock()
    except ClientDisconnect as error:
        broken = error
    if waiting_bytes:
        yield b"".join(waiting)
    if broken is not None:
        raise broken


class Receiver(Protocol):
    """A use case for the bytes of a body; each call blocks."""

    def close(self) -> None:
        """Free its resources; received bytes are kept."""
        ...

    def feed(self, data: bytes, /) -> None:
        """Take the next bytes."""
        ...


@asynccontextmanager
async def closed_in_thread(receiver: Receiver) -> AsyncIterator[None]:
    """Close a receiver after the block, in a thread, also if the request is cancelled."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(receiver.close)


async def feed_body(request: Request, receiver: Receiver) -> None:
    """Give the whole body to a receiver, in threads. Raises as :func:`read_chunks`."""
    async for chunk in read_chunks(request):
        await run_in_threadpool(receiver.feed, chunk)


async def read_manifest(request: Request, slots: Slots) -> bytes:
    """Return a manifest, counted for its sender during the transfer.

    Raises:
        TooLarge: no manifest is as large.
        TooManyRequests, Busy: too many bodies are held at the moment.
    """
    manifest = bytearray()
    with slots.take(sender_of(request)):
        async for chunk in request.stream():
            manifest += chunk
            if len(manifest) > MAX_DOCUMENT_BYTES:
                raise TooLarge(f"The manifest has more than {MAX_DOCUMENT_BYTES} bytes.")
    return bytes(manifest)


def raw_body(description: str, *media_types: str) -> dict[str, object]:
    """Return the OpenAPI description of a body other than JSON."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(media_types, schema)
    return {"requestBody": {"required": True, "description": description, "content": content}}


_SMALL_BYTES = 64 << 10
"""Limit of bodies that are parsed at once: a thread would take longer."""
_MOST_VIOLATIONS = 1000
"""Limit of violations in detail; a hostile body has a million."""
BODY_MODEL = "body_model"
_Wire = TypeVar("_Wire", bound=WireType)


async def _no_check() -> None:
    """Allow all."""


def json_body(model: type[WireType], *, after: Callable[..., Any] = _no_check) -> Any:
    """Return the dependency for an endpoint's body.

    Args:
        model: type of the body.
        after: dependency to refuse actors without the right to send it.
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
    """Return the dependency on ``read``, marked with ``model`` for the OpenAPI document."""
    setattr(read, BODY_MODEL, model)
    return Depends(read)


async def read_body(request: Request, stack: ExitStack, slots: Slots, *, small_bytes: int) -> bytes:
    """Return a body; a large one is counted for its sender while the stack is open.

    Raises:
        TooManyRequests, Busy: too many bodies are held at the moment.
    """
    body = bytearray()
    is_counted = False
    async for chunk in request.stream():
        body += chunk
        if len(body) > small_bytes and not is_counted:
            stack.enter_context(slots.take(sender_of(request)))
            is_counted = True
    return bytes(body)


def parse_model(model: type[_Wire], body: bytes) -> _Wire:
    """Return the body as ``model``. Raises RequestValidationError, HTTPException."""
    value = parse_json(body)
    try:
        return adapter_of(model).validate_python(value)
    except ValidationError as error:
        raise refuse_violations(error) from error


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a body. Raises RequestValidationError, HTTPException."""
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
    """Return the refusal of a body for its violations.

    Args:
        error: the violations.
        place: path of the validated part in the body.
    """
    if error.error_count() > _MOST_VIOLATIONS:
        many = f"There are {error.error_count()} violations"
        return RequestValidationError([{"type": "many", "loc": ("body", *place), "msg": many}])
    found = error.errors(include_url=False, include_input=False)
    return RequestValidationError(
        [{**violation, "loc": ("body", *place, *violation["loc"])} for violation in found]
    )


def find_body_model(dependant: Dependant) -> type[WireType] | None:
    """Return the type of the body of an endpoint with these dependencies, or None."""
    return next(_body_models(dependant), None)


def _body_models(dependant: Dependant) -> Iterator[type[WireType]]:
    model = getattr(dependant.call, BODY_MODEL, None)
    if model is not None:
        yield model
    for below in dependant.dependencies:
        yield from _body_models(below)
