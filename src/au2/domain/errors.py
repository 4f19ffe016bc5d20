"""Errors of the platform, in one class tree.

Every error has a stable ``code``, an HTTP ``status`` and a process ``exit_code`` (specification,
section 4).
The class docstring's first line is the default message. A user's failing container is not an error
but a result: see :mod:`au2.domain.jobs.job`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from au2.domain.wording import as_sentence

RETRIED_STATUSES = frozenset({429, 503})
"""Statuses of responses that name a pause in ``Retry-After``."""
RETRY_AFTER_SECONDS = 10
"""Pause where an error has none of its own."""


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

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        status: int | None = None,
        exit_code: int | None = None,
    ) -> None:
        """Set the class's own values; None inherits them."""
        cls.code = code or cls.code
        cls.status = status or cls.status
        cls.exit_code = exit_code or cls.exit_code

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


class InvalidRequest(Au2Error, code="invalid-request", status=422, exit_code=2):
    """The request is not valid."""


class InvalidPackage(InvalidRequest, code="invalid-package", exit_code=1):
    """The package has errors."""


class InvalidImage(InvalidRequest, code="invalid-image", exit_code=1):
    """The image or layer is not valid, or is refused as unsafe."""


class TooLarge(InvalidRequest, code="too-large", status=413, exit_code=1):
    """The request is larger than the server accepts."""


class ArgumentListTooLong(InvalidRequest, code="argument-list-too-long"):
    """The command and its environment are longer than Linux gives to a new program."""


class CheckTooCostly(InvalidRequest, code="check-too-costly"):
    """To check this against its schema takes longer, or more memory, than a check may."""


class NotAuthenticated(Au2Error, code="not-authenticated", status=401, exit_code=4):
    """You are not logged in."""


class WrongPassword(NotAuthenticated, code="wrong-password"):
    """The email address or the password is wrong."""


class TokenExpired(NotAuthenticated, code="token-expired"):
    """The token has expired."""


class AccountDisabled(NotAuthenticated, code="account-disabled"):
    """This account is disabled."""


class TooManyAttempts(NotAuthenticated, code="too-many-attempts", status=429):
    """There were too many wrong passwords lately."""

    @classmethod
    def until(cls, seconds: int) -> Self:
        """Return the error with a pause in seconds."""
        error = cls(hint=f"Try again in {seconds} seconds.")
        error.retry_after_seconds = seconds
        return error


class NotPermitted(Au2Error, code="not-permitted", status=403, exit_code=4):
    """Not permitted."""


class NotFound(Au2Error, code="not-found", status=404, exit_code=3):
    """There is no such thing here."""


class RepositoryUnknown(NotFound, code="repository-unknown"):
    """There is no such repository here."""


class Conflict(Au2Error, code="conflict", status=409, exit_code=5):
    """This clashes with the present state."""


class LeaseLost(Conflict, code="lease-lost"):
    """Another sender took this over; your data was not used."""


class StillSending(Conflict, code="still-sending"):
    """Another command of yours is sending to this version; wait for its end."""


class StorageFull(Au2Error, code="storage-full", status=507):
    """The server's disk is full."""


class DigestMismatch(Au2Error, code="digest-mismatch", status=422):
    """The bytes do not have the stated digest or size."""


class BlobMissing(Au2Error, code="blob-missing"):
    """A stored blob is missing or damaged."""


class EngineFailure(Au2Error, code="engine-failure"):
    """The container engine failed; this is the platform's fault, not your code's."""


class SecretUnreadable(Au2Error, code="secret-unreadable"):
    """A stored secret can't be decrypted."""


class RuntimeBuildFailed(Au2Error, code="runtime-build-failed"):
    """The runtime could not be built."""


class DependenciesFailed(Au2Error, code="dependencies-failed", status=422):
    """The dependencies could not be installed."""


class IndexUnreachable(Au2Error, code="index-unreachable", status=502):
    """The package index does not answer."""


class RegistryFailure(Au2Error, code="registry-failure", status=502):
    """An image registry failed to answer a request."""


class Unsupported(Au2Error, code="unsupported", status=501):
    """This machine does not support the operation."""


class InvalidSettings(Au2Error, code="invalid-settings"):
    """The server's settings have errors."""


class WrongSchema(Au2Error, code="wrong-schema", status=503):
    """The database has the tables of another version of au2."""


class ServerNotStarted(Au2Error, code="server-not-started"):
    """The server could not be started."""


class Busy(Au2Error, code="busy", status=503):
    """The server has too much to do at this moment."""

    retry_after_seconds = RETRY_AFTER_SECONDS


class TooManyRequests(Busy, code="too-many-requests", status=429):
    """Too many requests of this client or user are under way."""


class DatabaseUnavailable(Busy, code="database-unavailable"):
    """The server's database can't be used at this moment; nothing was changed."""


class ServerUnreachable(Au2Error, code="server-unreachable", status=503, exit_code=6):
    """The server cannot be reached."""


class UnexpectedAnswer(Au2Error, code="unexpected-answer", status=502):
    """This client does not understand the server's response."""


class ConfigurationBroken(Au2Error, code="configuration-broken"):
    """The configuration file cannot be used."""


class AnswerNeeded(InvalidRequest, code="answer-needed"):
    """A question has no answer, and no terminal is attached."""


class Declined(Au2Error, code="declined"):
    """Nothing was done."""


def all_errors() -> Mapping[str, type[Au2Error]]:
    """Return every class of the tree by its code, for the client and the reference page."""
    found: dict[str, type[Au2Error]] = {}
    waiting: list[type[Au2Error]] = [Au2Error]
    while waiting:
        error = waiting.pop()
        found[error.code] = error
        waiting.extend(error.__subclasses__())
    return dict(sorted(found.items()))
