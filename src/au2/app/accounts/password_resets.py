"""Password reset by the operator."""

from collections.abc import Callable
from datetime import datetime

from au2.app.accounts.passwords import Passwords
from au2.domain import clock as clocks
from au2.domain.errors import NotFound
from au2.domain.event import PLATFORM, EventAction
from au2.domain.identity import ensure_usable_password
from au2.stores.database import accounts
from au2.stores.database.database import Database
from au2.stores.database.events import add_event


class PasswordResets:
    """Replacement of lost passwords; needs the data directory, not reachable over HTTP."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock

    def reset(self, email: str, password: str) -> int:
        """Replace a user's password and end all their tokens; return how many those were.

        Managed ones too: who had the old password may have made some.

        Raises:
            NotFound: there is no such user.
            InvalidRequest: the password is too short or too long.
        """
        ensure_usable_password(password)
        password_hash = self._passwords.hash(password)
        with self._database.write() as transaction:
            user = accounts.find_user_by_email(transaction, email.strip().lower())
            if user is None:
                raise NotFound(f"There is no user '{email}' on this server.")
            accounts.set_password_hash(transaction, user.id, password_hash)
            ended = accounts.delete_all_tokens(transaction, user.id)
            add_event(
                transaction,
                at=self._clock(),
                actor=PLATFORM,
                action=EventAction.USER_PASSWORD_RESET,
                subject=f"user:{user.id}",
                organization_id=None,
            )
        return ended
