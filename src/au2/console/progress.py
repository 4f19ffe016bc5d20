"""Progress of a transfer: a line drawn over itself on a terminal, and a summary at the end."""

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from au2.console.console import Console
from au2.domain.wording import format_bytes

_REDRAW_SECONDS: Final = 0.1
_WINDOW_SECONDS: Final = 10.0


class MovingRate:
    """Bytes per second over the last ten seconds; two notes or more make a rate."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque()

    def note(self, moment: float, total_bytes: int) -> None:
        """Note the total at ``moment`` (seconds); totals never decrease."""
        self._steps.append((moment, total_bytes))
        # One step before the window stays: where the window begins.
        while len(self._steps) > 2 and self._steps[1][0] <= moment - _WINDOW_SECONDS:
            self._steps.popleft()

    def per_second(self, moment: float) -> float | None:
        """Return bytes per second; None while unknown."""
        if len(self._steps) < 2:
            return None
        begun_at, begun_bytes = self._steps[0]
        return (self._steps[-1][1] - begun_bytes) / max(moment - begun_at, 1e-3)


class TransferProgress:
    """Counter of the bytes of one transfer.

    Args:
        console: where progress is drawn.
        verb: beginning of the line: ``Sent``, ``Received``, ``Read``.
        total_bytes: size of the whole transfer; None if unknown.
        log_seconds: without a terminal, a line at this interval; None: no such lines.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        console: Console,
        verb: str,
        *,
        total_bytes: int | None = None,
        log_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._verb = verb
        self._total_bytes = total_bytes
        self._log_seconds = log_seconds
        self._clock = clock
        self._begun_at = self._drawn_at = self._moved_at = clock()
        self.moved_bytes = 0
        self.recent = MovingRate()
        self.recent.note(self._begun_at, 0)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the line, without a summary."""
        self.clear()

    def advance(self, size_bytes: int) -> None:
        """Count ``size_bytes`` more."""
        self.moved_bytes += size_bytes
        self._moved_at = self._clock()
        self.recent.note(self._moved_at, self.moved_bytes)
        self.draw(self._moved_at)

    def draw(self, moment: float) -> None:
        """Draw the line, or log one, if the last one is old enough at ``moment``."""
        if self._console.can_animate:
            if moment - self._drawn_at >= _REDRAW_SECONDS:
                self._drawn_at = moment
                self._console.redraw(self.describe(moment))
        elif self._log_seconds is not None and moment - self._drawn_at >= self._log_seconds:
            self._drawn_at = moment
            self._console.remark(self.describe(moment))

    def describe(self, moment: float) -> str:
        """Return the line: ``Sent 5 MiB of 20 MiB, 1 MiB/s``."""
        total = "" if self._total_bytes is None else f" of {format_bytes(self._total_bytes)}"
        rate = self.recent.per_second(moment)
        speed = "" if rate is None else f", {format_bytes(rate)}/s"
        return f"{self._verb} {format_bytes(self.moved_bytes)}{total}{speed}"

    def clear(self) -> None:
        """Remove the line."""
        if self._console.can_animate:
            self._console.redraw("")

    def finish(self, note: str = "") -> None:
        """Replace the line by the sum and the average rate.

        Args:
            note: second half of the summary; without one, an empty transfer has no summary.
        """
        self.clear()
        if not self.moved_bytes and not note:
            return
        rate = format_bytes(self.moved_bytes / max(self._ended_at() - self._begun_at, 1e-3))
        summary = f"{self._verb} {format_bytes(self.moved_bytes)}, {rate}/s"
        summary = summary if self.moved_bytes else "Nothing to send"
        self._console.remark(f"{summary}; {note}" if note else summary)

    def _ended_at(self) -> float:
        """Return the end of the time for the average rate: now, with the other side's answer."""
        return self._clock()
