"""Plays one run on a stage, from its start to its end, as the dispatcher does with a job."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Any

from au2.domain.clock import now
from au2.domain.job import Outcome, Phase, Resources
from au2.engines.base import ContainerState, Observation
from au2.execution.hooks import Execution
from au2.execution.job_results import read_launcher, read_output, read_status
from au2.execution.outcome import Interruption, Output, make_outcome
from au2.execution.status import Status
from au2.execution.termination import Signal, TerminationPolicy, packaged_grace_seconds
from au2.secrets.masking import Masker

_OBSERVE_SECONDS = 0.1
"""How long a look may take: bounds how late Ctrl-C and the end of the time are noticed."""
_STATUS_SECONDS = 0.5


class StoppedEarly(Exception):
    """Somebody asked for the end of a run before it began."""


@dataclass(frozen=True, slots=True)
class Control:
    """What others may tell a run. Once set, it stays set."""

    stop: Event = field(default_factory=Event)
    """End it: stop signal, grace, ``after.sh``."""
    kill: Event = field(default_factory=Event)
    """End it at once."""

    def raise_if_stopped(self) -> None:
        """Raise StoppedEarly if somebody asked for the end."""
        if self.stop.is_set():
            raise StoppedEarly


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for a run, as the platform's settings say by default."""

    stop_grace_seconds: float = 10.0
    after_grace_seconds: float = 10.0
    output_bytes: int = 1 << 20
    log_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run."""

    outcome: Outcome
    output: Mapping[str, Any] | None
    status: Status
    phases: tuple[Phase, ...]


def supervise(
    stage: Execution,
    *,
    resources: Resources,
    limits: Limits,
    control: Control,
    check_output: Callable[[Output], Output],
    mask: Masker,
    on_status: Callable[[Status], None],
) -> RunResult:
    """Start the run, stay with it until its end, and return how it ended.

    Args:
        stage: where it takes place; the caller removes it.
        resources: what it may use: here, its time.
        limits: its grace times and the size of its output.
        control: how others end it.
        check_output: holds the output against its schema.
        mask: covers secrets in what the code says of itself.
        on_status: takes the status each time that the code says another.
    """
    started_at = now()
    stage.start()
    run = _Run(stage, control, mask, on_status)
    seen, interruption = run.watch(
        TerminationPolicy(
            deadline=time.monotonic() + resources.timeout_seconds,
            grace_seconds=packaged_grace_seconds(
                limits.stop_grace_seconds, limits.after_grace_seconds
            ),
            repeat=True,
        )
    )
    run.read_status()
    lost = seen.state is ContainerState.LOST
    launcher = {} if lost else read_launcher(stage.read_file)
    output = Output()
    if not lost:
        output = read_output(stage.read_file, limit_bytes=limits.output_bytes)
    if seen.exit_code == 0:
        output = check_output(output)
    outcome = make_outcome(
        seen, resources=resources, interruption=interruption, launcher=launcher, output=output
    )
    if outcome.reason_text is not None:
        # A sentence may quote what the code wrote.
        outcome = replace(outcome, reason_text=mask.mask_text(outcome.reason_text))
    phases = make_phases(started_at, now(), launcher)
    return RunResult(outcome, mask.mask_value(output.value), run.status, phases)


class _Run:
    """Looks at a run again and again."""

    def __init__(
        self, stage: Execution, control: Control, mask: Masker, on_status: Callable[[Status], None]
    ) -> None:
        self._stage = stage
        self._control = control
        self._mask = mask
        self._on_status = on_status
        self.status = Status()

    def watch(self, interrupter: TerminationPolicy) -> tuple[Observation, Interruption | None]:
        status_due = time.monotonic() + _STATUS_SECONDS
        killed = False
        while True:
            seen = self._stage.observe(_OBSERVE_SECONDS)
            if seen.state in {ContainerState.EXITED, ContainerState.LOST}:
                return seen, interrupter.interruption
            if time.monotonic() >= status_due:
                self.read_status()
                status_due = time.monotonic() + _STATUS_SECONDS
            sign = interrupter.decide(time.monotonic(), stop=self._control.stop.is_set())
            if sign is Signal.KILL or (self._control.kill.is_set() and not killed):
                killed = True
                self._stage.signal("SIGKILL")
            elif sign is Signal.STOP:
                self._stage.signal("SIGTERM")

    def read_status(self) -> None:
        status = read_status(self._stage.read_file, self._mask.mask_text)
        if status is not None and status != self.status:
            self.status = status
            self._on_status(status)


def make_phases(
    started_at: datetime, ended_at: datetime, launcher: Mapping[str, Any]
) -> tuple[Phase, ...]:
    """Return the run's phases: the whole, and its parts where there are hooks to tell apart."""
    whole = Phase("run", started_at, ended_at)
    found = launcher.get("phases")
    parts = [_parse_phase(part) for part in found] if isinstance(found, list) else []
    return (whole, *(part for part in parts if part is not None))


def _parse_phase(part: object) -> Phase | None:
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        return None
    try:
        times = [datetime.fromisoformat(part[key]) for key in ("started_at", "ended_at")]
    except (KeyError, TypeError, ValueError):
        return None
    return Phase(part["name"][:100], *times)
