"""The phases of an attempt, as they pass."""

from collections.abc import Callable, Iterable
from datetime import datetime

from au2.domain.job import Phase


class Timeline:
    """Collects phases; each begins where the one before ends."""

    def __init__(self, clock: Callable[[], datetime], phases: Iterable[Phase] = ()) -> None:
        self._clock = clock
        self._phases = list(phases)

    def begin(self, name: str) -> None:
        """End the present phase and begin another."""
        self.end()
        self._phases.append(Phase(name, self._clock()))

    def end(self) -> None:
        """End the present phase, if there is one."""
        if self._phases and self._phases[-1].ended_at is None:
            last = self._phases.pop()
            self._phases.append(Phase(last.name, last.started_at, self._clock()))

    @property
    def phases(self) -> tuple[Phase, ...]:
        """All phases so far."""
        return tuple(self._phases)
