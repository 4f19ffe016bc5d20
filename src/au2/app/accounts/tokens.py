"""Tokens: kinds, creation, expiry and end; managed tokens, which users create for programs."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from au2.app.validation import parse_name
from au2.domain import clock as clocks
from au2.domain.accounts.account import Token
from au2.domain.accounts.identity import Actor
from au2.domain.errors import Conflict, InvalidRequest, NotAuthenticated, NotFound, TokenExpired
from au2.domain.event import EventAction
from au2.domain.ids import is_guid, make_guid
from au2.stores.database import accounts
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event

LOGIN = "login"
MANAGED = "managed"
REGISTRY = "registry"
"""Of a registry client, which shows it around: taken by the registry only, and short-lived.

Its name is the id of the token that it was given for, and with which it ends; "password" if none.
"""
TOKEN_PREFIX = "au2_"  # noqa: S105 - how tokens begin, not one of them
_KEEP_EXPIRED = timedelta(days=30)
"""Until then, a request with the token learns that the token has expired."""
_KEEP_EXPIRED_REGISTRY = timedelta(hours=2)
"""Longer than any request that began in a registry token's time goes on."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token with its secret, which is not stored."""

    token: Token
    secret: str


def make_token(
    user_id: str, kind: str, name: str, *, at: datetime, expires_at: datetime | None
) -> NewToken:
    """Return a new token, which is not stored yet."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(
        id=make_guid(),
        user_id=user_id,
        kind=kind,
        name=name,
        secret_hash=hash_secret(secret),
        created_at=at,
        expires_at=expires_at,
        last_used_at=None,
    )
    return NewToken(token, secret)


def make_registry_token(
    user_id: str, name: str, *, at: datetime, lasts_seconds: float, latest_end: datetime | None
) -> NewToken:
    """Return a new token for the registry, which lasts so long, or till ``latest_end``."""
    ends = at + timedelta(seconds=lasts_seconds)
    return make_token(user_id, REGISTRY, name, at=at, expires_at=min(ends, latest_end or ends))


def hash_secret(secret: str) -> str:
    """Return the stored hash of a token's secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def own_token(transaction: Transaction, actor: Actor) -> Token:
    """Return the token of the actor's request. Raises NotAuthenticated: the token was removed."""
    token = accounts.find_token(transaction, actor.token_id)
    if token is None:
        raise NotAuthenticated(hint="Log in again: au2 login")
    return token


def ensure_not_expired(token: Token, now: datetime) -> None:
    """Raise TokenExpired if its time is over."""
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenExpired(hint="Log in again: au2 login")


def end_token(transaction: Transaction, token: Token) -> None:
    """Remove a token, and the registry tokens lent for it."""
    accounts.delete_token(transaction, token.id)
    accounts.delete_tokens_named(transaction, token.user_id, kind=REGISTRY, name=token.id)


def delete_expired(transaction: Transaction, now: datetime) -> None:
    """Remove logins and registry tokens that expired a while ago."""
    accounts.delete_expired_tokens(transaction, kind=LOGIN, before=now - _KEEP_EXPIRED)
    accounts.delete_expired_tokens(transaction, kind=REGISTRY, before=now - _KEEP_EXPIRED_REGISTRY)


def parse_token_name(text: str) -> str:
    """Return the name of a managed token. Raises InvalidRequest."""
    name = parse_name(text, "a token")
    # These could not be named in an address afterwards.
    if "/" in name or name == "current" or is_guid(name):
        raise InvalidRequest(
            f"'{name}' can't be the name of a token: no GUID, no 'current', and no '/' in it.",
            hint="Choose another.",
        )
    return name


def parse_token_end(moment: datetime, now: datetime) -> datetime:
    """Return when a managed token is to end, in UTC. Raises InvalidRequest."""
    if moment.tzinfo is None:
        raise InvalidRequest("The token's end needs a time zone, for example a final 'Z'.")
    try:
        ends = moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidRequest("The token's end is out of range.") from error
    if ends <= now:
        raise InvalidRequest("The token's end lies in the past.")
    return ends


class ManagedTokens:
    """The managed tokens of the actor."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_tokens(self, actor: Actor) -> list[Token]:
        """Return the actor's managed tokens."""
        with self._database.read() as transaction:
            return accounts.list_tokens(transaction, actor.user_id, kind=MANAGED)

    def get_token(self, actor: Actor, id_or_name: str) -> Token:
        """Return one of the actor's managed tokens, by id or name. Raises NotFound."""
        with self._database.read() as transaction:
            return _get_managed(transaction, actor, id_or_name)

    def create_token(
        self, actor: Actor, name: str, *, expires_at: datetime | None = None
    ) -> NewToken:
        """Create a managed token, which acts as its owner.

        Raises:
            InvalidRequest: the name or the end is not usable.
            Conflict: the actor has a token of that name.
        """
        name = parse_token_name(name)
        ends = None if expires_at is None else parse_token_end(expires_at, self._clock())
        new = make_token(actor.user_id, MANAGED, name, at=self._clock(), expires_at=ends)
        with self._database.write() as transaction:
            present = accounts.list_tokens(transaction, actor.user_id, kind=MANAGED)
            if any(token.name == name for token in present):
                raise Conflict(f"You already have a token named '{name}'.")
            accounts.add_token(transaction, new.token)
            self._note(transaction, actor.email, EventAction.TOKEN_CREATED, f"token:{new.token.id}")
        return new

    def delete_token(self, actor: Actor, id_or_name: str) -> None:
        """Delete one of the actor's managed tokens, by id or name.

        Raises:
            NotFound: the actor has no such token.
        """
        with self._database.write() as transaction:
            token = _get_managed(transaction, actor, id_or_name)
            end_token(transaction, token)
            self._note(transaction, actor.email, EventAction.TOKEN_DELETED, f"token:{token.id}")

    def _note(self, transaction: Transaction, who: str, action: EventAction, subject: str) -> None:
        add_event(transaction, who, action, subject, at=self._clock())


def _get_managed(transaction: Transaction, actor: Actor, id_or_name: str) -> Token:
    for token in accounts.list_tokens(transaction, actor.user_id, kind=MANAGED):
        if id_or_name.lower() == token.id or id_or_name == token.name:
            return token
    raise NotFound(f"There is no token '{id_or_name}' of yours.", hint="See: au2 token list")
