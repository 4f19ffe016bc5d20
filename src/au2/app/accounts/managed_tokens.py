"""Managed tokens: a user makes them by name, for programs that act as the user."""

from collections.abc import Callable
from datetime import datetime

from au2.app.accounts.tokens import (
    MANAGED,
    NewToken,
    end_token,
    make_token,
    parse_token_end,
    parse_token_name,
)
from au2.domain import clock as clocks
from au2.domain.account import Token
from au2.domain.errors import Conflict, NotFound
from au2.domain.event import EventAction
from au2.domain.identity import Actor
from au2.stores.database import accounts
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event


class ManagedTokens:
    """The managed tokens of the actor."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_tokens(self, actor: Actor) -> list[Token]:
        """Return the actor's managed tokens."""
        with self._database.read() as transaction:
            return accounts.list_tokens(transaction, actor.user_id, kind=MANAGED)

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
            for token in accounts.list_tokens(transaction, actor.user_id, kind=MANAGED):
                if id_or_name.lower() == token.id or id_or_name == token.name:
                    end_token(transaction, token)
                    self._note(
                        transaction, actor.email, EventAction.TOKEN_DELETED, f"token:{token.id}"
                    )
                    return
        raise NotFound(f"There is no token '{id_or_name}'.")

    def _note(self, transaction: Transaction, who: str, action: EventAction, subject: str) -> None:
        add_event(transaction, at=self._clock(), actor=who, action=action, subject=subject)
