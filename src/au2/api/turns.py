"""Turns: what is costly runs in few threads at a time, and few requests wait for one."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from au2.domain.errors import Busy, TooManyRequests

_Result = TypeVar("_Result")


class Turns:
    """Runs calls of one costly kind in threads of their own, in the order in which they came.

    The common threads stay free for everything else. For one event loop.
    """

    def __init__(self, at_once: int, *, waiting: int, waiting_of_one: int) -> None:
        """Begin with none.

        Args:
            at_once: calls that run.
            waiting: calls that run or wait.
            waiting_of_one: of these, those of one user or client.
        """
        self._limiter = anyio.CapacityLimiter(at_once)
        self._waiting = waiting
        self._waiting_of_one = waiting_of_one
        self._counts: Counter[str] = Counter()

    async def run(self, key: str, call: Callable[[], _Result]) -> _Result:
        """Return what ``call`` does, when it is its turn.

        Args:
            key: of the user or client who asks.
            call: runs in a thread.

        Raises:
            TooManyRequests: too many of this one wait.
            Busy: too many wait.
        """
        if self._counts[key] >= self._waiting_of_one:
            raise TooManyRequests(hint="Wait for their answers, then try again.")
        if self._counts.total() >= self._waiting:
            raise Busy(hint="Try again in a few seconds.")
        self._counts[key] += 1
        try:
            return await run_sync(call, limiter=self._limiter)
        finally:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]


def make_password_turns() -> Turns:
    """Return the turns of requests that have a password checked, by client.

    Each check takes 20 ms of a core and 19 MiB on purpose.
    """
    return Turns(2, waiting=64, waiting_of_one=16)
