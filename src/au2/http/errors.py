"""Every answer with a status of 400 or more has one form, whatever went wrong."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from au2.domain.errors import (
    Au2Error,
    Detail,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    TooManyAttempts,
)
from au2.domain.json_value import format_pointer
from au2.domain.wording import as_sentence
from au2.http.audit_log import note_refusal
from au2.wire.base import ErrorResponse
from au2.wire.violations import MOST_DETAILS, describe, sentence_of

Responses = dict[int | str, dict[str, Any]]
_MOST_NAME_CHARACTERS = 100


def error_responses(*errors: type[Au2Error]) -> Responses:
    """Return the OpenAPI responses of an endpoint that may end in these errors."""
    found: Responses = {}
    for error in errors:
        says = (error.__doc__ or "").strip().splitlines()[0]
        known = found.get(error.status)
        description = says if known is None else f"{known['description']} {says}"
        found[error.status] = {"model": ErrorResponse, "description": description}
    return found


def make_error_response(
    error: Au2Error, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer that says ``error``."""
    sent = dict(headers or {})
    if isinstance(error, NotAuthenticated) and not isinstance(error, TooManyAttempts):
        sent["WWW-Authenticate"] = "Bearer"
    if error.retry_after_seconds is not None:
        sent["Retry-After"] = str(error.retry_after_seconds)
    return Response(
        format_error(error),
        status_code=error.status if status is None else status,
        headers=sent,
        media_type="application/json",
    )


def format_error(error: Au2Error) -> bytes:
    """Return the body; ASCII only, so that no odd character in a message can spoil it."""
    return json.dumps({"error": error.to_document()}).encode()


def make_invalid_request(mistakes: Iterable[Mapping[str, Any]]) -> InvalidRequest:
    """Return the error for what pydantic found, each mistake with its place."""
    found = list(mistakes)
    details = [_make_detail(mistake) for mistake in found[:MOST_DETAILS]]
    if len(found) > 1:
        return InvalidRequest(details=details)
    only = details[0]
    if only.pointer is None:
        return InvalidRequest(only.message)
    return InvalidRequest(sentence_of(_below_body(found[0])), details=details)


def _make_detail(mistake: Mapping[str, Any]) -> Detail:
    place, *path = mistake["loc"] or ("body",)
    if mistake.get("type") == "json_invalid":
        # Where in the text it is, counted from its beginning, is of use to nobody's eyes.
        why = (mistake.get("ctx") or {}).get("error") or mistake["msg"]
        return Detail(as_sentence(f"The body is no JSON: {why}"))
    if place == "body":
        return Detail(describe(mistake), pointer=format_pointer(path))
    name = ".".join(map(str, path))[:_MOST_NAME_CHARACTERS]
    return Detail(f"The {place} parameter '{name}' {describe(mistake)}.")


def _below_body(mistake: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**mistake, "loc": mistake["loc"][1:]}


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error in this form."""
    app.add_exception_handler(Au2Error, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, _answer_unexpected)


async def _answer_own(request: Request, error: Exception) -> Response:
    assert isinstance(error, Au2Error)  # noqa: S101 - registered for it
    note_refusal(request, error)
    return make_error_response(error)


async def _answer_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return make_error_response(make_invalid_request(error.errors()))


async def _answer_http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: unknown paths and methods, bodies that are no JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if isinstance(error.__cause__, Au2Error):
        return make_error_response(error.__cause__)
    match error.status_code:
        case 404:
            return make_error_response(NotFound(f"There is nothing at {request.url.path}."))
        case 405:
            says = InvalidRequest(f"{request.method} does not go with {request.url.path}.")
            return make_error_response(says, status=405, headers=error.headers)
        case 400:
            return make_error_response(InvalidRequest("The body can't be read as JSON."))
        case status:
            return make_error_response(InvalidRequest(str(error.detail)), status=status)


async def _answer_nobody(_: Request, __: Exception) -> Response:
    """A body that broke off: no fault of ours to log, and nobody is there to read an answer."""
    return make_error_response(InvalidRequest("The request broke off."), status=400)


async def _answer_unexpected(_: Request, __: Exception) -> Response:
    """A fault of ours: the log has it, the answer says nothing of our insides."""
    return make_error_response(Au2Error(hint="The server's log says more; tell its operator."))
