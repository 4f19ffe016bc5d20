"""Users as operators of the server look after them: listed, disabled, made operators.

For the operator's own commands, which need no token. Every change is in the audit log.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from au2.app.accounts.tokens import MANAGED, REGISTRY
from au2.domain import clock as clocks
from au2.domain.accounts.account import Token, User
from au2.domain.errors import Conflict, NotFound
from au2.domain.event import PLATFORM, EventAction
from au2.stores.database import accounts
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user with all tokens, registry tokens left out."""

    user: User
    tokens: tuple[Token, ...]

    @property
    def last_used_at(self) -> datetime | None:
        """Time of the last request with any of these tokens."""
        used = [token.last_used_at for token in self.tokens if token.last_used_at is not None]
        return max(used, default=None)


class Users:
    """The users of an installation."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_users(self) -> list[UserRecord]:
        """Return all users, ordered by email address."""
        with self._database.read() as transaction:
            users = accounts.list_users(transaction)
            tokens: dict[str, list[Token]] = {user.id: [] for user in users}
            for token in accounts.list_tokens_but(transaction, kind=REGISTRY):
                tokens[token.user_id].append(token)
        return [UserRecord(user, tuple(tokens[user.id])) for user in users]

    def disable(self, email: str) -> int:
        """Refuse a user from now on, and end all of the user's tokens; return their number.

        Managed tokens and those of registry clients end too. May be repeated.

        Raises:
            NotFound: there is no such user.
            Conflict: the user is the only operator who can log in.
        """
        with self._database.write() as transaction:
            user = get_user(transaction, email)
            _ensure_other_operator(transaction, user)
            if user.disabled_at is None:
                accounts.set_disabled(transaction, user.id, self._clock())
                self._note(transaction, EventAction.USER_DISABLED, user)
            # Also on repetition: a request that was under way may have made one.
            return accounts.delete_all_tokens(transaction, user.id)

    def enable(self, email: str) -> None:
        """Let a disabled user log in again. The ended tokens stay ended. May be repeated.

        Raises NotFound.
        """
        with self._database.write() as transaction:
            user = get_user(transaction, email)
            if user.disabled_at is not None:
                accounts.delete_all_tokens(transaction, user.id)
                accounts.set_disabled(transaction, user.id, None)
                self._note(transaction, EventAction.USER_ENABLED, user)

    def set_operator(self, email: str, *, is_operator: bool) -> None:
        """Make a user an operator, or one no longer. May be repeated.

        Raises:
            NotFound: there is no such user.
            Conflict: the user is the only operator who can log in.
        """
        with self._database.write() as transaction:
            user = get_user(transaction, email)
            if user.is_operator == is_operator:
                return
            if not is_operator:
                _ensure_other_operator(transaction, user)
            accounts.set_operator(transaction, user.id, is_operator)
            action = EventAction.USER_PROMOTED if is_operator else EventAction.USER_DEMOTED
            self._note(transaction, action, user)

    def _note(self, transaction: Transaction, action: EventAction, user: User) -> None:
        add_event(transaction, PLATFORM, action, f"user:{user.id}", at=self._clock())


def count_managed(record: UserRecord) -> int:
    """Return the number of a user's managed tokens."""
    return sum(token.kind == MANAGED for token in record.tokens)


def get_user(transaction: Transaction, email: str) -> User:
    """Return the user of an email address, in any letter case. Raises NotFound."""
    user = accounts.find_user_by_email(transaction, email.strip().lower())
    if user is None:
        raise NotFound(
            f"There is no user '{email}' on this server.",
            hint="See: au2-server user list",
        )
    return user


def _ensure_other_operator(transaction: Transaction, user: User) -> None:
    if user.is_operator and user.disabled_at is None:
        others = accounts.count_active_operators(transaction, but_id=user.id)
        if not others:
            raise Conflict(
                f"{user.email} is the only operator who can log in.",
                hint="Make another user an operator first: au2-server user promote EMAIL",
            )
