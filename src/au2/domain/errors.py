"""Errors of the platform, in one class tree.

Every error has a stable ``code``, an HTTP ``status`` and a process ``exit_code`` (specification,
section 4).
The class docstring's first line is the default message. A user's failing container is not an error
but a result: see :mod:`au2.domain.job`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from au2.domain.wording import as_sentence


@dataclass(frozen=True, slots=True)
class Detail:
    """One violation among several: its place and its message."""

    message: str
    pointer: str | None = None
    """JSON Pointer (RFC 6901) into the checked value."""
    file: str | None = None
    line: int | None = None
    """One-based line in ``file``."""

    def __str__(self) -> str:
        """``file:line: message`` or ``pointer: message``, as far as known."""
        place = self.pointer or ""
        if self.file is not None:
            place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}" if place else self.message


class Au2Error(Exception):
    """Something went wrong inside au2."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    retry_after_seconds: int | None = None
    """Pause before a repeated request; the response has it in ``Retry-After``."""

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        details: Sequence[Detail] = (),
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        """Next step in one sentence, or None."""
        self.details = tuple(details)
        super().__init__(self.message)

    @property
    def explanation(self) -> str:
        """Message and hint as sentences, for texts without a separate hint."""
        return f"{as_sentence(self.message)} {self.hint or ''}".rstrip()

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of the error response."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "details": [asdict(detail) for detail in self.details],
        }


class InvalidRequest(Au2Error):
    """The request is not valid."""

    code = "invalid-request"
    status = 422
    exit_code = 2


class InvalidPackage(InvalidRequest):
    """The package has errors."""

    code = "invalid-package"
    exit_code = 1


class InvalidImage(InvalidRequest):
    """The image or layer is not valid, or is refused as unsafe."""

    code = "invalid-image"
    exit_code = 1


class TooLarge(InvalidRequest):
    """The request is larger than the server accepts."""

    code = "too-large"
    status = 413
    exit_code = 1


class ArgumentListTooLong(InvalidRequest):
    """The command and its environment are longer than Linux gives to a new program."""

    code = "argument-list-too-long"


class CheckTooCostly(InvalidRequest):
    """To check this against its schema takes longer, or more memory, than a check may."""

    code = "check-too-costly"


class NotAuthenticated(Au2Error):
    """You are not logged in."""

    code = "not-authenticated"
    status = 401
    exit_code = 4


class WrongPassword(NotAuthenticated):
    """The email address or the password is wrong."""

    code = "wrong-password"


class TokenExpired(NotAuthenticated):
    """The token has expired."""

    code = "token-expired"


class TooManyAttempts(NotAuthenticated):
    """There were too many wrong passwords lately."""

    code = "too-many-attempts"
    status = 429

    @classmethod
    def until(cls, seconds: int) -> Self:
        """Return the error with a pause in seconds."""
        error = cls(hint=f"Try again in {seconds} seconds.")
        error.retry_after_seconds = seconds
        return error


class NotPermitted(Au2Error):
    """Not permitted."""

    code = "not-permitted"
    status = 403
    exit_code = 4


class NotFound(Au2Error):
    """There is no such thing here."""

    code = "not-found"
    status = 404
    exit_code = 3


class RepositoryUnknown(NotFound):
    """There is no such repository here."""

    code = "repository-unknown"


class Conflict(Au2Error):
    """This clashes with the present state."""

    code = "conflict"
    status = 409
    exit_code = 5


class LeaseLost(Conflict):
    """Another sender took this over; your data was not used."""

    code = "lease-lost"


class StillSending(Conflict):
    """Another command of yours is sending to this version; wait for its end."""

    code = "still-sending"


class StorageFull(Au2Error):
    """The server's disk is full."""

    code = "storage-full"
    status = 507


class DigestMismatch(Au2Error):
    """The bytes do not have the stated digest or size."""

    code = "digest-mismatch"
    status = 422


class BlobMissing(Au2Error):
    """A stored blob is missing or damaged."""

    code = "blob-missing"


class EngineFailure(Au2Error):
    """The container engine failed; this is the platform's fault, not your code's."""

    code = "engine-failure"


class SecretUnreadable(Au2Error):
    """A stored secret can't be decrypted."""

    code = "secret-unreadable"


class RuntimeBuildFailed(Au2Error):
    """The runtime could not be built."""

    code = "runtime-build-failed"


class DependenciesFailed(Au2Error):
    """The dependencies could not be installed."""

    code = "dependencies-failed"
    status = 422


class IndexUnreachable(Au2Error):
    """The package index does not answer."""

    code = "index-unreachable"
    status = 502


class RegistryFailure(Au2Error):
    """An image registry failed to answer a request."""

    code = "registry-failure"
    status = 502


class Unsupported(Au2Error):
    """This machine does not support the operation."""

    code = "unsupported"
    status = 501


class InvalidSettings(Au2Error):
    """The server's settings have errors."""

    code = "invalid-settings"


class WrongSchema(Au2Error):
    """The database has the tables of another version of au2."""

    code = "wrong-schema"
    status = 503


class ServerNotStarted(Au2Error):
    """The server could not be started."""

    code = "server-not-started"


class Busy(Au2Error):
    """The server has too much to do at this moment."""

    code = "busy"
    status = 503
    retry_after_seconds = 10


class TooManyRequests(Busy):
    """Too many requests of this client or user are under way."""

    code = "too-many-requests"
    status = 429


class DatabaseUnavailable(Busy):
    """The server's database can't be used at this moment; nothing was changed."""

    code = "database-unavailable"


class ServerUnreachable(Au2Error):
    """The server cannot be reached."""

    code = "server-unreachable"
    status = 503
    exit_code = 6


class UnexpectedAnswer(Au2Error):
    """This client does not understand the server's response."""

    code = "unexpected-answer"
    status = 502


class ConfigurationBroken(Au2Error):
    """The configuration file cannot be used."""

    code = "configuration-broken"


class AnswerNeeded(InvalidRequest):
    """A question has no answer, and no terminal is attached."""

    code = "answer-needed"


class Declined(Au2Error):
    """Nothing was done."""

    code = "declined"


def all_errors() -> Mapping[str, type[Au2Error]]:
    """Return every class of the tree by its code, for the client and the reference page."""
    found: dict[str, type[Au2Error]] = {}
    waiting: list[type[Au2Error]] = [Au2Error]
    while waiting:
        error = waiting.pop()
        found[error.code] = error
        waiting.extend(error.__subclasses__())
    return dict(sorted(found.items()))
