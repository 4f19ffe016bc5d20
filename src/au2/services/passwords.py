"""Passwords: hashing that costs the same for users who don't exist, and a brake on guessing."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from au2.domain.errors import TooManyAttempts

_HASHES_AT_ONCE = 2
"""Each hash takes memory on purpose, so a crowd at the door must not take it all."""


def make_hasher() -> PasswordHasher:
    """Argon2id with 19 MiB and two passes, the least that OWASP's cheat sheet recommends."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def make_password() -> str:
    """Return a first password: 96 random bits."""
    return secrets.token_urlsafe(12)


class Passwords:
    """Hashes and verifies passwords."""

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


@dataclass(slots=True)
class _Failures:
    count: int
    last_at: datetime


@dataclass(slots=True)
class Throttle:
    """Refuses a while after repeated failures of one key. Kept in memory, by one process."""

    clock: Callable[[], datetime]
    free_failures: int = 5
    longest_seconds: float = 300.0
    _failures: dict[bytes, _Failures] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    _MOST_KEYS = 10_000

    def ensure_open(self, *parts: str) -> None:
        """Refuse while the key is braked.

        Raises:
            TooManyAttempts: saying how long to wait.
        """
        with self._lock:
            failures = self._failures.get(_key(parts))
        if failures is None:
            return
        wait = self._pause(failures) - (self.clock() - failures.last_at)
        if wait > timedelta(0):
            seconds = int(wait.total_seconds()) + 1
            raise TooManyAttempts(hint=f"Try again in {seconds} seconds.")

    def note_failure(self, *parts: str) -> None:
        """Count a failure."""
        with self._lock:
            if len(self._failures) >= self._MOST_KEYS:
                self._forget_old()
            failures = self._failures.setdefault(_key(parts), _Failures(0, self.clock()))
            failures.count += 1
            failures.last_at = self.clock()

    def note_success(self, *parts: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failures.pop(_key(parts), None)

    def _pause(self, failures: _Failures) -> timedelta:
        beyond = failures.count - self.free_failures
        if beyond < 0:
            return timedelta(0)
        return timedelta(seconds=min(self.longest_seconds, 2.0 ** min(beyond, 20)))

    def _forget_old(self) -> None:
        limit = self.clock() - timedelta(seconds=self.longest_seconds)
        fresh = {key: value for key, value in self._failures.items() if value.last_at >= limit}
        self._failures = fresh if len(fresh) < self._MOST_KEYS else {}


def _key(parts: tuple[str, ...]) -> bytes:
    # Hashed, so that a long address takes no more memory than a short one.
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
