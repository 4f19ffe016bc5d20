"""Time that passes only while somebody pauses."""

from dataclasses import dataclass, field

from au2.domain.network_retry import RetryBudget


@dataclass
class PassingTime:
    """A clock that moves by what is slept, and what was told meanwhile."""

    moment: float = 0.0
    pauses: list[float] = field(default_factory=list)
    outages: list[float] = field(default_factory=list)
    returns: int = 0

    def pause(self, seconds: float) -> None:
        """Sleep."""
        self.pauses.append(seconds)
        self.moment += seconds

    def budget(self) -> RetryBudget:
        """RetryBudget by this clock."""
        return RetryBudget(
            pause=self.pause,
            clock=lambda: self.moment,
            on_outage=self.outages.append,
            on_return=self._note_return,
        )

    def _note_return(self) -> None:
        self.returns += 1
