"""Error responses: one form for every status of 400 or more."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from au2.domain.errors import (
    RETRIED_STATUSES,
    RETRY_AFTER_SECONDS,
    Au2Error,
    Conflict,
    Detail,
    DigestMismatch,
    InvalidRequest,
    LeaseLost,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
    TooManyAttempts,
)
from au2.domain.json_value import format_pointer
from au2.domain.wording import as_sentence
from au2.http.audit_log import note_refusal
from au2.wire.error import ErrorResponse
from au2.wire.violations import MOST_DETAILS, describe, sentence_of

Responses = dict[int | str, dict[str, Any]]
_MOST_NAME_CHARACTERS = 100
CONTENT_ERRORS = (
    NotFound,
    NotPermitted,
    Conflict,
    LeaseLost,
    TooLarge,
    InvalidRequest,
    DigestMismatch,
    StorageFull,
)
"""Errors of the endpoints that receive content of an upload."""


_RETRY_AFTER = {
    "Retry-After": {
        "description": "Pause before the request is repeated, in seconds.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 86_400},
        "required": True,
    }
}
_HEADERS: Mapping[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "schema": {"type": "string", "const": "Bearer"},
            "required": True,
        }
    },
    **dict.fromkeys(sorted(RETRIED_STATUSES), _RETRY_AFTER),
}
"""Headers of error responses, as the OpenAPI document describes them."""


NO_STORE: Mapping[str, Any] = {
    "Cache-Control": {
        "description": "No cache may keep the body.",
        "schema": {"type": "string", "const": "no-store"},
        "required": True,
    }
}
LENGTH: Mapping[str, Any] = {
    "Content-Length": {
        "description": "Size of the body in bytes.",
        "schema": {"type": "integer", "minimum": 0},
        "required": True,
    }
}


def error_responses(*errors: type[Au2Error]) -> Responses:
    """Return the OpenAPI responses for an endpoint's errors."""
    found: Responses = {}
    for error in errors:
        says = (error.__doc__ or "").strip().splitlines()[0]
        known = found.get(error.status)
        description = says if known is None else f"{known['description']} {says}"
        found[error.status] = {"model": ErrorResponse, "description": description}
        if error.status in _HEADERS:
            found[error.status]["headers"] = _HEADERS[error.status]
    return found


def make_error_response(
    error: Au2Error, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the response for ``error``."""
    sent = dict(headers or {})
    if isinstance(error, NotAuthenticated) and not isinstance(error, TooManyAttempts):
        sent["WWW-Authenticate"] = "Bearer"
    code = error.status if status is None else status
    seconds = error.retry_after_seconds
    if seconds is not None or code in RETRIED_STATUSES:
        sent["Retry-After"] = str(RETRY_AFTER_SECONDS if seconds is None else seconds)
    return Response(
        format_error(error),
        status_code=code,
        headers=sent,
        media_type="application/json",
    )


def format_error(error: Au2Error) -> bytes:
    """Return the body; ASCII only, so any text in a message is safe."""
    return json.dumps({"error": error.to_document()}).encode()


def make_invalid_request(violations: Iterable[Mapping[str, Any]]) -> InvalidRequest:
    """Return the error for pydantic's violations, each with its JSON Pointer."""
    found = list(violations)
    details = [_make_detail(violation) for violation in found[:MOST_DETAILS]]
    if len(found) > 1:
        return InvalidRequest(details=details)
    only = details[0]
    if only.pointer is None:
        return InvalidRequest(only.message)
    below_body = {**found[0], "loc": found[0]["loc"][1:]}
    return InvalidRequest(sentence_of(below_body), details=details)


def _make_detail(violation: Mapping[str, Any]) -> Detail:
    place, *path = violation["loc"] or ("body",)
    if violation.get("type") == "json_invalid":
        # The offset in the text, counted from its beginning, helps no reader.
        why = (violation.get("ctx") or {}).get("error") or violation["msg"]
        return Detail(as_sentence(f"The body is not JSON: {why}"))
    if place == "body":
        return Detail(describe(violation), pointer=format_pointer(path))
    name = ".".join(map(str, path))[:_MOST_NAME_CHARACTERS]
    return Detail(f"The {place} parameter '{name}' {describe(violation)}.")


def install(app: FastAPI) -> None:
    """Register the handlers of all errors in ``app``."""
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
    """Answer a refusal of the framework: an unknown path or method, a body without JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if isinstance(error.__cause__, Au2Error):
        return make_error_response(error.__cause__)
    match error.status_code:
        case 404:
            return make_error_response(NotFound(f"There is no endpoint at {request.url.path}."))
        case 405:
            says = InvalidRequest(
                f"The method {request.method} is not supported at {request.url.path}."
            )
            allowed = request.app.state.allowed_methods.of(request.scope["path"])
            if not allowed:
                # The document's own path: a route of the framework, which gives them in any order.
                given = (error.headers or {}).get("Allow", "")
                allowed = ", ".join(sorted(method.strip() for method in given.split(",")))
            return make_error_response(says, status=405, headers={"Allow": allowed})
        case 400:
            return make_error_response(InvalidRequest("The body can't be read as JSON."))
        case status:
            return make_error_response(InvalidRequest(str(error.detail)), status=status)


async def _answer_nobody(_: Request, __: Exception) -> Response:
    """Answer a body that broke off: not the server's fault, and no client reads on."""
    return make_error_response(InvalidRequest("The request broke off."), status=400)


async def _answer_unexpected(_: Request, __: Exception) -> Response:
    """Answer a fault of the server: the log has the details, the response none."""
    return make_error_response(Au2Error(hint="The server's log says more; tell its operator."))
