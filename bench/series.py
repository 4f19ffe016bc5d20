"""Repeated measurements of one thing, and the line of the table that they become."""

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Series:
    """Measurements of one thing, in its unit."""

    values: list[float] = field(default_factory=list)

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Add the milliseconds that the block takes."""
        begun = time.perf_counter()
        yield
        self.values.append(1000 * (time.perf_counter() - begun))

    @property
    def median(self) -> float:
        """The middle."""
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """The value that 95 of 100 measurements don't exceed (nearest rank)."""
        ordered = sorted(self.values)
        return ordered[math.ceil(0.95 * len(ordered)) - 1]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what was measured, beside what, and whether it is good enough."""

    what: str
    unit: str
    median: float
    p95: float
    docker_median: float | None = None
    limit: float | None = None
    """A ratio where Docker was measured too, else a value in ``unit``; None: for information."""

    @property
    def ratio(self) -> float | None:
        """How many times Docker's median."""
        return None if self.docker_median is None else self.median / self.docker_median

    @property
    def ok(self) -> bool:
        """Whether the limit holds."""
        measured = self.median if self.ratio is None else self.ratio
        return self.limit is None or measured <= self.limit


def compare(what: str, ours: Series, docker: Series, limit: float | None = None) -> Line:
    """Make the line of something that Docker does too."""
    return Line(what, "ms", ours.median, ours.p95, docker.median, limit)


def alone(what: str, unit: str, ours: Series, limit: float | None = None) -> Line:
    """Make the line of something that only we do."""
    return Line(what, unit, ours.median, ours.p95, None, limit)
