"""How long a server that does not answer is asked again."""

from collections.abc import Callable
from typing import Final

from au2.domain.errors import Au2Error, ServerUnreachable

LIMIT_SECONDS: Final = 120.0
"""Without any progress; a server that restarts, even after a crash, needs much less."""
_FIRST_DELAY_SECONDS: Final = 0.1
_LONGEST_DELAY_SECONDS: Final = 5.0


class Patience:
    """Pauses that grow until something goes on, and end when nothing does for too long."""

    def __init__(
        self,
        *,
        pause: Callable[[float], object],
        clock: Callable[[], float],
        on_outage: Callable[[float], None],
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        """Begin.

        Args:
            pause: sleeps for seconds.
            clock: monotonic, in seconds.
            on_outage: told once when the server stops answering: for how many seconds it will be
                asked again.
            limit_seconds: for how long.
        """
        self._pause = pause
        self._clock = clock
        self._on_outage = on_outage
        self._limit_seconds = limit_seconds
        self._failing_since: float | None = None
        self._is_told = False
        self._delay = _FIRST_DELAY_SECONDS

    def note_progress(self) -> None:
        """Something went on: all the patience is there again."""
        self._failing_since = None
        self._is_told = False
        self._delay = _FIRST_DELAY_SECONDS

    def wait(self, error: Au2Error) -> None:
        """Pause before another try; raises ``error`` if there is to be none."""
        moment = self._clock()
        if self._failing_since is None:
            self._failing_since = moment
        left = self._failing_since + self._limit_seconds - moment
        if left <= 0:
            raise error
        if isinstance(error, ServerUnreachable) and not self._is_told:
            self._is_told = True
            self._on_outage(left)
        self._pause(min(self._delay, left))
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)
