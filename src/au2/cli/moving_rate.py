"""How quickly bytes come at present: over the last seconds, not since the beginning."""

from collections import deque
from typing import Final

_WINDOW_SECONDS: Final = 10.0


class MovingRate:
    """Knows how much had come when. What has come is told in steps, so a step or more is needed."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque()

    def note(self, moment: float, total_bytes: int) -> None:
        """So much had come in all at this moment (seconds), never less than before."""
        self._steps.append((moment, total_bytes))
        # One step before the window stays: where it begins.
        while len(self._steps) > 2 and self._steps[1][0] <= moment - _WINDOW_SECONDS:
            self._steps.popleft()

    def per_second(self, moment: float) -> float | None:
        """Return bytes in a second; None: not known yet."""
        if len(self._steps) < 2:
            return None
        begun_at, begun_bytes = self._steps[0]
        come = self._steps[-1][1] - begun_bytes
        return come / max(moment - begun_at, 1e-3)
