"""The run loop: supervision of a started run until its outcome, on the platform and locally."""

import operator
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from au2.domain.errors import DatabaseUnavailable, StorageFull
from au2.domain.jobs.job import Outcome, Resources
from au2.engines.protocol import ContainerState, Observation
from au2.engines.rate_limiter import Interval, RateLimiter
from au2.execution.execution import Execution
from au2.execution.job_results import (
    Output,
    Status,
    check_output,
    read_launcher,
    read_output,
    read_status,
)
from au2.execution.outcome import make_outcome, mask_outcome
from au2.execution.termination import Detached, DiskVerdict, JobControl, Signal, TerminationPolicy
from au2.secrets.masking import Masker

_OBSERVE_SECONDS = 0.25
"""Longest wait for a change: bounds how late a stop or the time limit is noticed."""
_STATUS_SECONDS = 1.0
"""Shortest time between two statuses of a run; the last one is always written."""


class LogHook(Protocol):
    """The destination of a run's log."""

    @property
    def has_more(self) -> bool:
        """Whether the last :meth:`advance` stopped half-way, because the log is long."""
        return False

    def advance(self, seen: Observation) -> None:
        """Pass on the log of a running run. Called after each observation."""

    def complete(self, seen: Observation) -> None:
        """Pass on the log of an ended run to its end, with the platform's remarks."""


@dataclass(frozen=True, slots=True)
class RunHooks:
    """All differences between a job of the platform and a local run."""

    log: LogHook
    masker: Masker
    """Masks secrets in status, output and messages."""
    write_status: Callable[[Status], None]
    """Called for each new status. StorageFull and DatabaseUnavailable: the loop tries again."""
    persist: Callable[[Callable[[], object]], object] = operator.call
    """Does a write that must not get lost, with retries; by default a write can't be refused."""
    check_disk: Callable[[], DiskVerdict | None] = lambda: None
    """Returns why the run must end for its use of the disk; None: it may go on."""
    on_end: Callable[[], None] = lambda: None
    """Called for an ended run whose results are read, before its log is completed."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """Outcome, output and last status of a run, with secrets masked."""

    outcome: Outcome
    output: Mapping[str, Any] | None
    status: Status
    launcher: Mapping[str, Any]
    """The launcher's record: exit codes and times of hooks and entry point."""
    observation: Observation
    """The last one."""


@dataclass(slots=True)
class Supervisor:
    """The supervision of one started run.

    Args:
        execution: the run; the caller removes it.
        hooks: log, status, secrets and disk.
        control: requests of other threads.
        termination: when to send which signal.
        resources: of the run, for messages.
        out_schema: schema of the output; None: any object is valid.
        output_limit_bytes: size limit of the output file.
        now: the clock of the termination policy's deadline, in seconds.
    """

    execution: Execution
    hooks: RunHooks
    control: JobControl
    termination: TerminationPolicy
    resources: Resources
    out_schema: Mapping[str, Any] | None
    output_limit_bytes: int
    now: Callable[[], float] = time.monotonic
    _status: Status = field(default_factory=Status)

    def supervise(self) -> RunResult:
        """Supervise the run until its end, complete its log and return the result.

        Raises:
            Detached: the run is left running.
            LeaseLost: another worker has taken the job over.
        """
        seen = self._follow()
        result = self._collect(seen)
        # Disk space first: the files of the code may take what the end of the log needs.
        self.hooks.on_end()
        self.hooks.log.complete(seen)
        return result

    def _follow(self) -> Observation:
        """Return the observation of the run's end; its log may not be copied to the end."""
        limiter, status_interval = RateLimiter(), Interval(_STATUS_SECONDS)
        log = self.hooks.log
        while True:
            limiter.step()
            seen = self.execution.observe(0.0 if log.has_more else _OBSERVE_SECONDS)
            if seen.state.has_ended:
                return seen
            # First: neither a long log nor a full disk may put off a stop or the time limit.
            self._terminate()
            if self.control.detach.is_set():
                raise Detached
            log.advance(seen)
            if status_interval.is_due():
                with suppress(StorageFull, DatabaseUnavailable):
                    self._update_status()

    def _terminate(self) -> None:
        stop, kill = self.control.stop.is_set(), self.control.kill.is_set()
        disk = self.hooks.check_disk()
        match self.termination.decide(self.now(), stop=stop, kill=kill, disk=disk):
            case Signal.STOP:
                self.execution.stop()
            case Signal.KILL:
                self.execution.kill()

    def _update_status(self) -> None:
        status = read_status(self.execution.read_file, self.hooks.masker.mask_text)
        if status is not None and status != self._status:
            self.hooks.write_status(status)
            self._status = status

    def _collect(self, seen: Observation) -> RunResult:
        """Read the results of an ended run, each for the last time."""
        output, launcher = Output(), {}
        if seen.state is not ContainerState.LOST:
            self.hooks.persist(self._update_status)
            read_file = self.execution.read_file
            output = read_output(read_file, limit_bytes=self.output_limit_bytes)
            launcher = dict(read_launcher(read_file))
        mask_value = self.hooks.masker.mask_value
        if seen.exit_code == 0:
            output = check_output(output, self.out_schema, mask_value)
        outcome = make_outcome(
            seen,
            resources=self.resources,
            interruption=self.termination.interruption,
            launcher=launcher,
            output=output,
            disk_text=self.termination.disk_text,
        )
        masked = mask_outcome(outcome, self.hooks.masker)
        return RunResult(masked, mask_value(output.value), self._status, launcher, seen)
