"""What an operator may be asked about later: who was refused what, and that the disk was full."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from au2.domain.client_address import client_of_address
from au2.domain.errors import (
    Au2Error,
    DatabaseUnavailable,
    NotPermitted,
    RepositoryUnknown,
    StorageFull,
)
from au2.domain.identity import Actor
from au2.domain.seldom import Seldom

_MOST_CHARACTERS = 300
_READING = frozenset({"GET", "HEAD"})

logger = logging.getLogger(__name__)


_full_disk = Seldom()
_no_database = Seldom()


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


def note_refusal(
    request: Request,
    error: Au2Error,
    full_disk: Seldom = _full_disk,
    no_database: Seldom = _no_database,
) -> None:
    """Log an answer that an operator may be asked about; others are nobody's news.

    That is: somebody may not do this, something is to be sent to a repository that is not theirs,
    or the disk is full or the database unavailable (seldom, for then everybody is told so).
    """
    if isinstance(error, StorageFull):
        _note_seldom("the disk is full", request, error, full_disk)
    elif isinstance(error, DatabaseUnavailable):
        _note_seldom("the database is unavailable", request, error, no_database)
    elif isinstance(error, NotPermitted) or (
        isinstance(error, RepositoryUnknown) and request.method not in _READING
    ):
        logger.warning("refused: %s: %s", *_describe(request, error))


def _note_seldom(what: str, request: Request, error: Au2Error, seldom: Seldom) -> None:
    kept_back = seldom.take()
    if kept_back is not None:
        more = f" ({kept_back} more since the last such line)" if kept_back else ""
        logger.warning("%s: %s: %s%s", what, *_describe(request, error), more)


def _describe(request: Request, error: Au2Error) -> tuple[str, str]:
    """What was asked, by whom; in quotes and short, for it is theirs to choose."""
    email = getattr(request.state, "actor_email", None)
    address = "?" if request.client is None else request.client.host
    path = request.url.path[:_MOST_CHARACTERS]
    who = "somebody" if email is None else repr(email)
    return f"{request.method} {path!r} by {who} from {address}", error.message[:_MOST_CHARACTERS]
