"""Local runs: one run from the package's folder to its result, with any runner."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from au2.domain.clock import format_time, now
from au2.domain.jobs.job import JobState, Outcome, Phase, Reason
from au2.execution.execution import Execution
from au2.execution.job_results import Status
from au2.execution.supervise import LogHook, RunHooks, RunResult, Supervisor
from au2.execution.termination import ExecutionLimits, JobControl, Stopped, TerminationPolicy
from au2.local.output import MaskedOutput, Show
from au2.local.request import CheckedRun, LocalRequest, check_run
from au2.package.check import PackageOnDisk, load_package_files
from au2.package.tree.entries import PackageFiles
from au2.secrets.masking import Masker

Tell = Callable[[str], None]
"""Takes a line for the user."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """One local run, ready to be prepared by a runner."""

    package: PackageOnDisk
    checked: CheckedRun
    output: MaskedOutput
    limits: ExecutionLimits
    control: JobControl


class PreparedExecution(NamedTuple):
    """An execution ready to start, with its log."""

    execution: Execution
    log: LogHook
    image_digest: str | None
    """Of the image that runs; None: a process without an image."""


class Runner(Protocol):
    """Runs packages on this machine: in containers, or as processes."""

    @property
    def mode(self) -> str:
        """``container`` or ``plain``."""

    def prepare(self, run: LocalRun) -> AbstractContextManager[PreparedExecution]:
        """Prepare an execution; the context's end removes its traces.

        Raises:
            InvalidPackage: the package does not suit the runtime.
            Unsupported: this machine can't run the package; the message says why.
            Stopped: the end of the run was requested meanwhile.
        """


@dataclass(frozen=True, slots=True)
class LocalResult:
    """The record of a local run."""

    mode: str
    image_digest: str | None
    arguments: Mapping[str, Any]
    outcome: Outcome
    phases: tuple[Phase, ...]
    output: Mapping[str, Any] | None = None
    status: Status = Status()  # noqa: RUF009 (frozen)

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded."""
        return self.outcome.state is JobState.SUCCEEDED

    def to_document(self) -> dict[str, Any]:
        """Return the record as JSON, with the names of a job's record."""
        outcome = self.outcome
        return {
            "state": outcome.state.value,
            "reason": None if outcome.reason is None else outcome.reason.value,
            "reason_text": outcome.reason_text,
            "exit_code": outcome.exit_code,
            "mode": self.mode,
            "image_digest": self.image_digest,
            "status_text": self.status.text,
            "progress": self.status.progress,
            "phases": [_phase_document(phase) for phase in self.phases],
            "arguments": self.arguments,
            "output": self.output,
        }


def run_package(
    directory: Path,
    request: LocalRequest,
    runner: Runner,
    *,
    own_environment: Mapping[str, str],
    limits: ExecutionLimits,
    control: JobControl,
    show: Show,
    on_status: Callable[[Status], None],
    on_files: Callable[[PackageFiles], None] = lambda _: None,
) -> LocalResult:
    """Check the package in ``directory``, run it once and return the result.

    Args:
        directory: of the package.
        request: of the command line.
        runner: runs the package.
        own_environment: variables of this process, the source of secrets.
        limits: grace times and sizes.
        control: requests of other threads.
        show: takes the output.
        on_status: takes each new status.
        on_files: takes the list of the package's files before the run.

    Raises:
        InvalidPackage: with all errors in the package.
        InvalidRequest: the platform would refuse the submission.
        Unsupported, EngineFailure: the package can't be run here.
    """
    began_at = now()
    package = load_package_files(directory)
    on_files(package.files)
    checked = check_run(package, request, own_environment)
    masker = Masker(checked.secrets.values())
    run = LocalRun(package, checked, MaskedOutput(show, masker), limits, control)
    image_digest: str | None = None
    try:
        with runner.prepare(run) as prepared:
            image_digest = prepared.image_digest
            control.check()
            started_at = now()
            prepared.execution.start()
            hooks = RunHooks(log=prepared.log, masker=masker, write_status=on_status)
            result = _supervise(run, prepared.execution, hooks)
    except Stopped:
        phases = (Phase("prepare", began_at, now()),)
        outcome = Outcome(JobState.STOPPED, Reason.STOPPED, "Stopped before it ran.")
        return LocalResult(runner.mode, image_digest, checked.arguments, outcome, phases)
    prepare = Phase("prepare", began_at, started_at)
    return LocalResult(
        mode=runner.mode,
        image_digest=image_digest,
        arguments=checked.arguments,
        outcome=result.outcome,
        phases=(prepare, *_make_phases(started_at, now(), result.launcher)),
        output=result.output,
        status=result.status,
    )


def _supervise(run: LocalRun, execution: Execution, hooks: RunHooks) -> RunResult:
    resources = run.checked.resources
    deadline = time.monotonic() + resources.timeout_seconds
    return Supervisor(
        execution,
        hooks,
        run.control,
        TerminationPolicy.make(run.limits, deadline=deadline, is_packaged=True),
        resources=resources,
        out_schema=run.checked.version.out_schema,
        output_limit_bytes=run.limits.output_bytes,
    ).supervise()


def _make_phases(
    started_at: datetime, ended_at: datetime, launcher: Mapping[str, Any]
) -> tuple[Phase, ...]:
    """Return the run's phases: the whole, and hooks and entry point as the launcher recorded."""
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


def _phase_document(phase: Phase) -> dict[str, Any]:
    ended_at = None if phase.ended_at is None else format_time(phase.ended_at)
    return {"name": phase.name, "started_at": format_time(phase.started_at), "ended_at": ended_at}
