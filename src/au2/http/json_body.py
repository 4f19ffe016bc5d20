"""JSON bodies, read when it is known that the sender may do what they ask for.

The framework reads and parses a body before anything else, in the event loop. So endpoints take
theirs by a dependency, which comes after the one that asks for rights: a body that is not allowed
costs nothing, whatever its size. What takes long to parse is parsed in a thread, one at a time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from au2.http.audit_log import sender_of
from au2.http.concurrency import Slots
from au2.http.dependencies import CostlyOf
from au2.wire.base import WireType
from au2.wire.violations import adapter_of

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
