"""Retries of network calls: growing pauses between tries, and a budget that ends them."""

import math
import time
from collections.abc import Callable
from typing import Final, TypeVar

from au2.domain.errors import Au2Error, ServerUnreachable

LIMIT_SECONDS: Final = 120.0
"""Time without progress; a server that restarts, even after a crash, needs much less."""

_Answer = TypeVar("_Answer")


class Backoff:
    """Pauses that double from a first length up to a longest."""

    def __init__(self, first_seconds: float = 0.1, longest_seconds: float = 5.0) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._next_seconds = first_seconds

    @property
    def has_begun(self) -> bool:
        """Whether a pause was taken since the start or the last reset."""
        return self._next_seconds > self._first_seconds

    def take(self, stated_seconds: float | None = None) -> float:
        """Return the length of the next pause.

        ``stated_seconds``: what the server asked for (``Retry-After``), instead of the usual one.
        """
        usual, self._next_seconds = self._next_seconds, self._next_seconds * 2
        return min(usual if stated_seconds is None else stated_seconds, self._longest_seconds)

    def reset(self) -> None:
        """Begin with the first pause again."""
        self._next_seconds = self._first_seconds


class RetryBudget:
    """Bounds of the retries of one operation, by time or number; progress refills it."""

    def __init__(
        self,
        *,
        pause: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
        on_outage: Callable[[float], None] = lambda _: None,
        on_return: Callable[[], None] = lambda: None,
        limit_seconds: float = LIMIT_SECONDS,
        most_tries: float = math.inf,
        backoff: Backoff | None = None,
    ) -> None:
        """Begin with the full budget.

        Args:
            pause: sleeps for seconds; its exceptions end the retries.
            clock: monotonic, in seconds.
            on_outage: called when the server stops answering, once until there is progress, with
                the seconds that are left. A connection that comes back at once is no outage.
            on_return: called when the server answers after an outage.
            limit_seconds: time since the first of several failures.
            most_tries: number of tries without progress.
            backoff: pauses; None: from 0.1 to 5 seconds.
        """
        self._pause = pause
        self._clock = clock
        self._on_outage = on_outage
        self._on_return = on_return
        self._limit_seconds = limit_seconds
        self._most_tries = most_tries
        self._backoff = backoff or Backoff()
        self._failing_since: float | None = None
        self._tries = 1
        self._is_outage_told = self._is_return_told = False

    @property
    def is_last_try(self) -> bool:
        """Whether no retry follows the present try, by number."""
        return self._tries >= self._most_tries

    def note_response(self) -> None:
        """Note that the server has answered, which need not be progress."""
        if self._is_outage_told and not self._is_return_told:
            self._is_return_told = True
            self._on_return()

    def note_progress(self) -> None:
        """Note progress: the budget is full again."""
        self.note_response()
        self._failing_since = None
        self._tries = 1
        self._is_outage_told = self._is_return_told = False
        self._backoff.reset()

    def wait(self, error: Au2Error, *, stated_seconds: float | None = None) -> None:
        """Pause before the next try; raise ``error`` if the budget is spent."""
        moment = self._clock()
        is_first = self._failing_since is None
        if self._failing_since is None:
            self._failing_since = moment
        left = self._failing_since + self._limit_seconds - moment
        if left <= 0 or self.is_last_try:
            raise error
        self._tries += 1
        if isinstance(error, ServerUnreachable) and not is_first and not self._is_outage_told:
            self._is_outage_told = True
            self._on_outage(left)
        self._pause(min(self._backoff.take(stated_seconds), left))

    def retry(self, call: Callable[[], _Answer]) -> _Answer:
        """Return the result of ``call``, which is progress. Raises ServerUnreachable at last."""
        try:
            answer = call()
        except ServerUnreachable as error:
            answer = self.retry_after(error, call)
        self.note_progress()
        return answer

    def retry_after(self, error: Au2Error, call: Callable[[], _Answer]) -> _Answer:
        """Return the result of ``call`` after a failure; the result is no progress yet."""
        while True:
            self.wait(error)
            try:
                answer = call()
            except ServerUnreachable as again:
                error = again
                continue
            self.note_response()
            return answer
