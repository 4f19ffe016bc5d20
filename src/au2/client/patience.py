"""How long a server that does not answer is asked again."""

from collections.abc import Callable
from typing import Final, TypeVar

from au2.domain.errors import Au2Error, ServerUnreachable

LIMIT_SECONDS: Final = 120.0
"""Without any progress; a server that restarts, even after a crash, needs much less."""
_FIRST_DELAY_SECONDS: Final = 0.1
_LONGEST_DELAY_SECONDS: Final = 5.0

_Answer = TypeVar("_Answer")


class Patience:
    """Pauses that grow until something goes on, and end when nothing does for too long."""

    def __init__(
        self,
        *,
        pause: Callable[[float], object],
        clock: Callable[[], float],
        on_outage: Callable[[float], None] = lambda _: None,
        on_return: Callable[[], None] = lambda: None,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        """Begin.

        Args:
            pause: sleeps for seconds; what it raises ends the waiting.
            clock: monotonic, in seconds.
            on_outage: told when the server stops answering, once until something goes on: for how
                many seconds it will be asked again. A connection that broke and comes back at once
                is no outage.
            on_return: told when the server answers after that.
            limit_seconds: for how long.
        """
        self._pause = pause
        self._clock = clock
        self._on_outage = on_outage
        self._on_return = on_return
        self._limit_seconds = limit_seconds
        self._failing_since: float | None = None
        self._is_outage_told = self._is_return_told = False
        self._delay = _FIRST_DELAY_SECONDS

    def note_answer(self) -> None:
        """The server has answered, which need not be progress."""
        if self._is_outage_told and not self._is_return_told:
            self._is_return_told = True
            self._on_return()

    def note_progress(self) -> None:
        """Something went on: all the patience is there again."""
        self.note_answer()
        self._failing_since = None
        self._is_outage_told = self._is_return_told = False
        self._delay = _FIRST_DELAY_SECONDS

    def wait(self, error: Au2Error) -> None:
        """Pause before another try; raises ``error`` if there is to be none."""
        moment = self._clock()
        is_first = self._failing_since is None
        if self._failing_since is None:
            self._failing_since = moment
        left = self._failing_since + self._limit_seconds - moment
        if left <= 0:
            raise error
        if isinstance(error, ServerUnreachable) and not is_first and not self._is_outage_told:
            self._is_outage_told = True
            self._on_outage(left)
        self._pause(min(self._delay, left))
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)

    def persist(self, call: Callable[[], _Answer]) -> _Answer:
        """Return what ``call`` does, which is progress. Raises ServerUnreachable in the end."""
        try:
            answer = call()
        except ServerUnreachable as error:
            answer = self.ask_after(error, call)
        self.note_progress()
        return answer

    def ask_after(self, error: Au2Error, call: Callable[[], _Answer]) -> _Answer:
        """Return what ``call`` does after something failed: what it tells is no progress yet."""
        while True:
            self.wait(error)
            try:
                answer = call()
            except ServerUnreachable as again:
                error = again
                continue
            self.note_answer()
            return answer
