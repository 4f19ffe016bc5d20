"""Passwords: hashing at the same cost for unknown users."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

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
