"""Login throttle: growing pauses after wrong passwords. Kept in memory, by one process.

An attempt is counted before its password is checked, so many at once are no way around. There are
two counts: of one account from one client, which stops that client for longer and longer, and of
one client over all accounts, which only slows the client down. No count is of one account over all
clients: anyone could then lock its owner out.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from au2.domain.errors import TooManyAttempts
from au2.domain.throttle import client_of_address


@dataclass(frozen=True, slots=True)
class ThrottleOptions:
    """Number of free attempts, and the pauses after them."""

    free_failures: int = 5
    """Of one account from one client; then 1, 2, 4 … seconds."""
    longest_seconds: float = 300.0
    unchecked: int = 8
    """Attempts of one account from one client that are checked at the same time."""
    client_failures: int = 30
    """Of one client, over all accounts; then one at a time, each:"""
    client_seconds: float = 10.0
    most_keys: int = 10_000


@dataclass(slots=True)
class _Failures:
    last_at: datetime
    count: int = 0
    unchecked: int = 0


@dataclass(slots=True)
class _Allowance:
    """Number of attempts left to a client at a moment; grows again over time."""

    left: float
    at: datetime


class LoginThrottle:
    """Refusal of logins for a while after repeated failures. For any number of threads."""

    def __init__(
        self, clock: Callable[[], datetime], options: ThrottleOptions | None = None
    ) -> None:
        self._clock = clock
        self._options = options or ThrottleOptions()
        self._failures: dict[bytes, _Failures] = {}
        self._allowances: dict[bytes, _Allowance] = {}
        self._lock = threading.Lock()

    def begin(self, account: str, address: str) -> "Attempt":
        """Count an attempt, as a failure until its success. Raises TooManyAttempts."""
        client = client_of_address(address)
        now = self._clock()
        with self._lock:
            failures = self._failures_of(_key(account, client), now)
            allowance = self._allowance_of(_key(client), now)
            wait_seconds = max(self._pause(failures, now), self._wait(allowance))
            if wait_seconds > 0:
                raise TooManyAttempts.until(ceil(wait_seconds))
            failures.unchecked += 1
            allowance.left -= 1
        return Attempt(self, failures, allowance)

    def end(self, failures: _Failures, allowance: _Allowance, *, succeeded: bool) -> None:
        """Count the end of an attempt."""
        with self._lock:
            failures.unchecked -= 1
            if succeeded:
                # Not all of the client's: with one account of one's own one could go on for ever.
                failures.count = 0
                allowance.left += 1
            else:
                failures.count += 1
                failures.last_at = self._clock()

    def _failures_of(self, key: bytes, now: datetime) -> _Failures:
        if key not in self._failures and len(self._failures) >= self._options.most_keys:
            # The older half, save of those that are being checked.
            order = sorted(self._failures, key=lambda known: self._failures[known].last_at)
            for old in order[: len(order) // 2]:
                if not self._failures[old].unchecked:
                    del self._failures[old]
        return self._failures.setdefault(key, _Failures(now))

    def _allowance_of(self, key: bytes, now: datetime) -> _Allowance:
        if key not in self._allowances and len(self._allowances) >= self._options.most_keys:
            order = sorted(self._allowances, key=lambda known: self._allowances[known].at)
            for old in order[: len(order) // 2]:
                del self._allowances[old]
        most = float(self._options.client_failures)
        allowance = self._allowances.setdefault(key, _Allowance(most, now))
        grown = (now - allowance.at).total_seconds() / self._options.client_seconds
        allowance.left = min(most, allowance.left + max(grown, 0.0))
        allowance.at = now
        return allowance

    def _pause(self, failures: _Failures, now: datetime) -> float:
        if failures.unchecked >= self._options.unchecked:
            return 1.0
        beyond = failures.count - self._options.free_failures
        if beyond < 0:
            return 0.0
        pause = timedelta(seconds=min(self._options.longest_seconds, 2.0 ** min(beyond, 20)))
        return (failures.last_at + pause - now).total_seconds()

    def _wait(self, allowance: _Allowance) -> float:
        return max(0.0, 1.0 - allowance.left) * self._options.client_seconds


class Attempt:
    """One attempt at a password: a failure, unless :meth:`succeed` is called in the block."""

    def __init__(self, throttle: LoginThrottle, failures: _Failures, allowance: _Allowance) -> None:
        self._throttle = throttle
        self._failures = failures
        self._allowance = allowance
        self._succeeded = False

    def succeed(self) -> None:
        """Note a right password."""
        self._succeeded = True

    def __enter__(self) -> "Attempt":
        """Begin to check."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the attempt, with or without success."""
        self._throttle.end(self._failures, self._allowance, succeeded=self._succeeded)


def _key(*parts: str) -> bytes:
    # Hashed, so that a long address takes no more memory than a short one.
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
