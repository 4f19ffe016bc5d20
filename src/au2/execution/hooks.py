"""Protocols around the run loop: the supervised execution, and its hooks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from au2.engines.base import Observation
from au2.execution.job_results import Status
from au2.execution.termination import DiskVerdict
from au2.secrets.masking import Masker


class Execution(Protocol):
    """One run: a container of an engine, or a process of this machine."""

    def start(self) -> None:
        """Start the run. Raises EngineFailure."""
        ...

    def observe(self, timeout_seconds: float) -> Observation:
        """Return the state of the run; wait for a change at most so long."""
        ...

    def stop(self) -> None:
        """Send the stop signal to the first process. Harmless after the end."""
        ...

    def kill(self) -> None:
        """Kill all processes. Harmless after the end."""
        ...

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        """Return a job file's content; see :meth:`au2.engines.base.Engine.read_file`."""
        ...

    def remove(self) -> None:
        """Kill the run if still running, and remove its traces. Idempotent."""
        ...


class LogHook(Protocol):
    """The destination of a run's log."""

    @property
    def has_more(self) -> bool:
        """Whether the last :meth:`advance` stopped half-way, because the log is long."""
        ...

    def advance(self, seen: Observation) -> None:
        """Pass on the log of a running run. Called after each observation."""
        ...

    def complete(self, seen: Observation) -> None:
        """Pass on the log of an ended run to its end, with the platform's remarks."""
        ...


def write_once(write: Callable[[], object]) -> None:
    """Write without retries: the ``persist`` hook where no write can be refused."""
    write()


@dataclass(frozen=True, slots=True)
class RunHooks:
    """All differences between a job of the platform and a local run."""

    log: LogHook
    masker: Masker
    """Masks secrets in status, output and messages."""
    write_status: Callable[[Status], None]
    """Called for each new status. StorageFull and DatabaseUnavailable: the loop tries again."""
    persist: Callable[[Callable[[], object]], None] = write_once
    """Does a write that must not get lost, with retries."""
    check_disk: Callable[[], DiskVerdict | None] = lambda: None
    """Returns why the run must end for its use of the disk; None: it may go on."""
    on_end: Callable[[], None] = lambda: None
    """Called for an ended run whose results are read, before its log is completed."""
