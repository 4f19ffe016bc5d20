"""Concurrency limits: costly requests run in few threads, and few requests wait for one."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from au2.domain.errors import Busy, TooManyRequests

_Result = TypeVar("_Result")


class Slots:
    """Counter of costly requests of one kind under way. For one event loop."""

    def __init__(self, most: int, *, most_of_one: int) -> None:
        """Allow ``most`` requests in all, and ``most_of_one`` of one user or client."""
        self._most = most
        self._most_of_one = most_of_one
        self._counts: Counter[str] = Counter()

    @contextmanager
    def take(self, key: str) -> Iterator[None]:
        """Count one request of the user or client ``key`` while the block runs.

        Raises:
            TooManyRequests: this user or client has too many.
            Busy: there are too many.
        """
        if self._counts[key] >= self._most_of_one:
            raise TooManyRequests(hint="Wait for their answers, then try again.")
        if self._counts.total() >= self._most:
            raise Busy(hint="Try again in a few seconds.")
        self._counts[key] += 1
        try:
            yield
        finally:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]


class Turns:
    """Queue of costly calls of one kind, run in threads of their own in order of arrival.

    The common threads stay free for everything else. For one event loop.
    """

    def __init__(self, at_once: int, *, waiting: int, waiting_of_one: int) -> None:
        """Begin with an empty queue.

        Args:
            at_once: calls that run.
            waiting: calls that run or wait.
            waiting_of_one: of these, calls of one user or client.
        """
        self._limiter = anyio.CapacityLimiter(at_once)
        self._slots = Slots(waiting, most_of_one=waiting_of_one)

    async def run(self, key: str, call: Callable[[], _Result]) -> _Result:
        """Return the result of ``call``, run in a thread at its turn.

        Args:
            key: user or client.
            call: blocking call.

        Raises:
            TooManyRequests: too many calls of this user or client wait.
            Busy: too many wait.
        """
        with self._slots.take(key):
            return await run_sync(call, limiter=self._limiter)


@dataclass(frozen=True, slots=True)
class CostlyRequests:
    """Concurrency limits by kind of costly request."""

    passwords: Turns = field(default_factory=lambda: Turns(2, waiting=64, waiting_of_one=16))
    """Checks of passwords, by client: each takes 20 ms of a core and 19 MiB on purpose."""
    parsing: Turns = field(default_factory=lambda: Turns(1, waiting=64, waiting_of_one=16))
    """Parsing of large bodies, by user."""
    hashing: Turns = field(default_factory=lambda: Turns(2, waiting=64, waiting_of_one=16))
    """Second reads of whole blobs, for their aliases, by user: two minutes for the largest."""
    bodies: Slots = field(default_factory=lambda: Slots(64, most_of_one=16))
    """Bodies held in memory, by user: of 64 KiB to some MiB."""
    file_lists: Slots = field(default_factory=lambda: Slots(4, most_of_one=2))
    """Long lists of files, by user: of 1 MiB and more."""
    streams: Slots = field(default_factory=lambda: Slots(1500, most_of_one=400))
    """Long responses, by user: followed logs, and requests that wait for a job's end."""
