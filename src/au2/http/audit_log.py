"""What an operator may be asked about later: who was refused what, and that the disk was full."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from au2.domain.errors import (
    Au2Error,
    DatabaseUnavailable,
    NotPermitted,
    RepositoryUnknown,
    StorageFull,
)
from au2.domain.identity import Actor
from au2.domain.throttle import LogThrottle, client_of_address

_MOST_CHARACTERS = 300
_READING = frozenset({"GET", "HEAD"})

logger = logging.getLogger(__name__)


_throttle = LogThrottle()


def note_actor(request: Request, actor: Actor) -> None:
    """Remember who asks, for :func:`note_refusal`."""
    request.state.actor_email = actor.email


def is_known_actor(state: Mapping[str, Any]) -> bool:
    """Whether it is known who sent the request of this ASGI state."""
    return "actor_email" in state


def sender_of(request: Request) -> str:
    """Whom to count a request for: the user, or the client of one who is not known."""
    if is_known_actor(request.scope["state"]):
        return f"user:{request.state.actor_email}"
    return f"client:{client_of_address('' if request.client is None else request.client.host)}"


def note_refusal(request: Request, error: Au2Error, throttle: LogThrottle = _throttle) -> None:
    """Log an answer that an operator may be asked about; others are nobody's news.

    That is: somebody may not do this, something is to be sent to a repository that is not theirs,
    or the disk is full or the database unavailable (throttled: then every client is told so).
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
    """What was asked, by whom; in quotes and short, for it is theirs to choose."""
    email = getattr(request.state, "actor_email", None)
    address = "?" if request.client is None else request.client.host
    path = request.url.path[:_MOST_CHARACTERS]
    who = "somebody" if email is None else repr(email)
    return f"{request.method} {path!r} by {who} from {address}", error.message[:_MOST_CHARACTERS]
