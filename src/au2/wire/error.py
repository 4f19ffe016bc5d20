"""Errors as bodies of responses."""

from typing import Annotated

from au2.wire.base import ResponseType
from au2.wire.field import ErrorCodes, Ordinal


class ErrorDetail(ResponseType):
    """One violation among several."""

    message: str
    """Sentence about the violation."""
    pointer: str | None = None
    """JSON Pointer (RFC 6901) into the body; null: it is not about a place in it."""
    file: str | None = None
    """Path of the file of a package."""
    line: Ordinal | None = None
    """Line in ``file``, from 1."""


class Error(ResponseType):
    """Cause of a failed request, and the next step."""

    code: Annotated[str, ErrorCodes("errors", "ErrorCode")]
    """Code for programs."""
    message: str
    """Sentence for people."""
    hint: str | None = None
    """Next step, where there is one."""
    details: list[ErrorDetail] = []
    """Violations, where there are several or each has a place."""


class ErrorResponse(ResponseType):
    """Body of every response with a status of 400 or more."""

    error: Error
    """The error."""
