"""Audit log of requests: refused actions, a full disk, an unavailable database."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from au2.domain.accounts.identity import Actor
from au2.domain.errors import (
    Au2Error,
    DatabaseUnavailable,
    NotPermitted,
    RepositoryUnknown,
    StorageFull,
)
from au2.domain.throttle import LogThrottle, client_of_address

_MOST_CHARACTERS = 300
_READING = frozenset({"GET", "HEAD"})

logger = logging.getLogger(__name__)


_throttle = LogThrottle()


def note_actor(request: Request, actor: Actor) -> None:
    """Keep the actor of a request for :func:`note_refusal`."""
    request.state.actor_email = actor.email


def is_known_actor(state: Mapping[str, Any]) -> bool:
    """Whether the request of this ASGI state was authenticated."""
    return "actor_email" in state


def find_actor(state: Mapping[str, Any]) -> str | None:
    """Return the email address of the actor of this ASGI state; None: unknown."""
    email: str | None = state.get("actor_email")
    return email


def sender_of(request: Request) -> str:
    """Return the key by which requests are counted: the user, or else the client's address."""
    if is_known_actor(request.scope["state"]):
        return f"user:{request.state.actor_email}"
    return f"client:{client_of_address('' if request.client is None else request.client.host)}"


def note_refusal(request: Request, error: Au2Error, throttle: LogThrottle = _throttle) -> None:
    """Log an error response that operators look for; other errors are not logged.

    These are refused permissions, writes to a repository of others, and a full disk or an
    unavailable database (throttled, since every client gets that error then).
    """
    if isinstance(error, StorageFull):
        throttle.log(logger, "the disk is full: %s: %s", *_describe(request, error))
    elif isinstance(error, DatabaseUnavailable):
        template = "the database is unavailable: %s: %s"
        throttle.log(logger, template, *_describe(request, error))
    elif isinstance(error, NotPermitted) or (
        isinstance(error, RepositoryUnknown) and request.method not in _READING
    ):
        logger.warning("refused: %s: %s", *_describe(request, error))


def _describe(request: Request, error: Au2Error) -> tuple[str, str]:
    """Return request and message, quoted and cut: both may hold a client's own text."""
    email = getattr(request.state, "actor_email", None)
    address = "?" if request.client is None else request.client.host
    path = request.url.path[:_MOST_CHARACTERS]
    user = "an unknown user" if email is None else repr(email)
    return f"{request.method} {path!r} by {user} from {address}", error.message[:_MOST_CHARACTERS]
