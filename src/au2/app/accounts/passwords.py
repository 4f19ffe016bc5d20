"""Passwords: hashing at the same cost for unknown users, and reset by the operator."""

import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from au2.domain import clock as clocks
from au2.domain.errors import NotFound
from au2.domain.event import PLATFORM, EventAction
from au2.domain.identity import ensure_usable_password
from au2.stores.database import accounts
from au2.stores.database.database import Database
from au2.stores.database.events import add_event

_HASHES_AT_ONCE = 2
"""Each hash takes memory on purpose, so many logins at once must not exhaust it."""


def make_hasher() -> PasswordHasher:
    """Argon2id with 19 MiB and two passes, the minimum recommended by OWASP's cheat sheet."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def make_password() -> str:
    """Return a first password: 96 random bits."""
    return secrets.token_urlsafe(12)


class Passwords:
    """Hashing and verification of passwords."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._turn = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        self._nobody = hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return the PHC string to keep."""
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits. None (no such user) costs the same time and never fits."""
        with self._turn:
            try:
                fits = self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return fits and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


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
            action, subject = EventAction.USER_PASSWORD_RESET, f"user:{user.id}"
            add_event(transaction, PLATFORM, action, subject, at=self._clock())
        return ended
