"""Errors of the registry (OCI distribution specification, "Error Codes")."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from au2.domain.errors import (
    RETRIED_STATUSES,
    RETRY_AFTER_SECONDS,
    Au2Error,
    Busy,
    Conflict,
    DigestMismatch,
    InvalidImage,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RepositoryUnknown,
    TooLarge,
    TooManyAttempts,
    TooManyRequests,
)
from au2.http.audit_log import note_refusal

SERVICE = "au2"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def challenge(request: Request) -> str:
    """Return the header with the token endpoint (Docker's token authentication)."""
    return f'Bearer realm="{_base(request)}/v2/token",service="{SERVICE}"'


def _base(request: Request) -> str:
    """Return the operator's ``external_url``, or else the address of the request."""
    external: str | None = request.app.state.external_url
    if external is not None:
        return external.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        server = request.scope.get("server") or ("localhost", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{request.url.scheme}://{host}"


BLOB_UNKNOWN = "BLOB_UNKNOWN"
UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
_HEADERS = {"Docker-Distribution-API-Version": "registry/2.0"}

_ANSWERS: tuple[tuple[type[Au2Error], int, str], ...] = (
    (RepositoryUnknown, 404, "NAME_UNKNOWN"),
    (TooManyAttempts, 429, "TOOMANYREQUESTS"),
    (TooManyRequests, 429, "TOOMANYREQUESTS"),
    (NotAuthenticated, 401, "UNAUTHORIZED"),
    (NotPermitted, 403, "DENIED"),
    (Conflict, 409, "DENIED"),
    (DigestMismatch, 400, "DIGEST_INVALID"),
    (InvalidImage, 400, "MANIFEST_INVALID"),
    (TooLarge, 413, "SIZE_INVALID"),
    # The name of the repository was read before, so this is about the rest, like a tag that is no
    # version. Not MANIFEST_INVALID or TAG_INVALID: podman and skopeo then convert the image to
    # every format they know and push each, and the sentence drowns in what became of that.
    (InvalidRequest, 400, "UNSUPPORTED"),
    # Not the specification's, but Docker's registry says so, and its clients try again.
    (Busy, 503, "UNAVAILABLE"),
)
"""The first matching class counts."""


class RegistryError(Exception):
    """Error of the distribution specification: status, code and sentence."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


@contextmanager
def unknown_as(code: str) -> Iterator[None]:
    """Turn NotFound into the registry's error ``code``."""
    try:
        yield
    except RepositoryUnknown:
        raise
    except NotFound as error:
        status = 400 if code == MANIFEST_BLOB_UNKNOWN else 404
        raise RegistryError(status, code, _sentence(error)) from error


def answer_registry(_: Request, error: Exception) -> Response:
    """Answer an error of the distribution specification."""
    assert isinstance(error, RegistryError)  # noqa: S101 - registered for it
    return _answer(error.status, error.code, error.message, error.headers)


def answer_own(request: Request, error: Exception) -> Response:
    """Answer an error of the use cases."""
    assert isinstance(error, Au2Error)  # noqa: S101 - registered for it
    note_refusal(request, error)
    for kind, status, code in _ANSWERS:
        if isinstance(error, kind):
            headers = {"WWW-Authenticate": challenge(request)} if status == 401 else {}
            if error.retry_after_seconds is not None:
                headers["Retry-After"] = str(error.retry_after_seconds)
            return _answer(status, code, _sentence(error), headers)
    return _answer(error.status, "UNKNOWN", _sentence(error))


def answer_unrouted(request: Request, error: Exception) -> Response:
    """Answer a path without a route."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    message = f"{request.method} {request.url.path[:200]} is not part of this registry."
    return _answer(error.status_code, "UNSUPPORTED", message, error.headers)


def answer_nobody(_: Request, error: Exception) -> Response:
    """Answer a body that broke off: not the server's fault, and no client reads on."""
    assert isinstance(error, ClientDisconnect)  # noqa: S101 - registered for it
    return _answer(400, "SIZE_INVALID", "The request broke off.")


def answer_unexpected(_: Request, __: Exception) -> Response:
    """Answer a fault of the server, which is in the log."""
    return _answer(500, "UNKNOWN", "Something went wrong inside au2; the server's log says more.")


def _sentence(error: Au2Error) -> str:
    return f"{error.message} {error.hint or ''}".strip()


def _answer(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]})
    sent = {**_HEADERS, **(headers or {})}
    if status in RETRIED_STATUSES:
        sent.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return Response(body, status_code=status, media_type="application/json", headers=sent)
