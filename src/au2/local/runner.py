"""Where local runs take place, and one run from the package's folder to its end."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from au2.domain.clock import format_time, now
from au2.domain.job import JobState, Outcome, Phase, Reason
from au2.execution.hooks import Execution, Show
from au2.execution.output_check import check_output
from au2.execution.status import Status
from au2.execution.supervise import Control, Limits, RunResult, StoppedEarly, supervise
from au2.local.output import mask_show
from au2.local.request import CheckedRun, LocalRequest, check_run
from au2.package.load import PackageOnDisk, load_package_files
from au2.package.tree.entries import PackageFiles
from au2.secrets.masking import Masker

Tell = Callable[[str], None]
"""Takes a line for the person who runs it."""


class PreparedExecution(NamedTuple):
    """A stage that is set up."""

    stage: Execution
    image_digest: str | None
    """Of the image that runs; None where there is none."""


class Runner(Protocol):
    """Containers, or this machine itself."""

    @property
    def mode(self) -> str:
        """``container`` or ``plain``."""
        ...

    def prepare(
        self,
        package: PackageOnDisk,
        run: CheckedRun,
        *,
        show: Show,
        limits: Limits,
        control: Control,
    ) -> AbstractContextManager[PreparedExecution]:
        """Set up a stage for the run; all of it is gone after the block.

        Raises:
            InvalidPackage: the package does not suit the runtime.
            Unsupported: this machine lacks something; the message says what.
            StoppedEarly: somebody asked for its end meanwhile.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalResult:
    """What is told of a run when it is over."""

    mode: str
    image_digest: str | None
    arguments: Mapping[str, Any]
    played: RunResult
    phases: tuple[Phase, ...]

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.played.outcome.state is JobState.SUCCEEDED

    def to_document(self) -> dict[str, Any]:
        """Return the record as JSON, with the names that a job's record has."""
        outcome, status = self.played.outcome, self.played.status
        return {
            "state": outcome.state.value,
            "reason": None if outcome.reason is None else outcome.reason.value,
            "reason_text": outcome.reason_text,
            "exit_code": outcome.exit_code,
            "mode": self.mode,
            "image_digest": self.image_digest,
            "status_text": status.text,
            "progress": status.progress,
            "phases": [_phase_document(phase) for phase in self.phases],
            "arguments": self.arguments,
            "output": self.played.output,
        }


def run_package(
    directory: Path,
    request: LocalRequest,
    runner: Runner,
    *,
    own_environment: Mapping[str, str],
    limits: Limits,
    control: Control,
    show: Show,
    on_status: Callable[[Status], None],
    on_files: Callable[[PackageFiles], None] = lambda _: None,
) -> LocalResult:
    """Check the package in ``directory``, run it once, and return how that ended.

    Raises:
        InvalidPackage: with every mistake.
        InvalidRequest: the platform would refuse the submission.
        Unsupported, EngineFailure: it can't be run here.
    """
    began = now()
    package = load_package_files(directory)
    on_files(package.files)
    run = check_run(package, request, own_environment)
    masker = Masker(run.secrets.values())
    shown = mask_show(show, masker)
    image_digest: str | None = None
    try:
        with runner.prepare(
            package, run, show=shown.show, limits=limits, control=control
        ) as prepare:
            image_digest = prepare.image_digest
            control.raise_if_stopped()
            prepared = now()
            played = supervise(
                prepare.stage,
                resources=run.resources,
                limits=limits,
                control=control,
                check_output=lambda output: check_output(
                    output, run.version.out_schema, masker.mask_value
                ),
                mask=masker,
                on_status=on_status,
            )
            shown.end()
    except StoppedEarly:
        prepared = now()
        outcome = Outcome(JobState.STOPPED, Reason.STOPPED, "Stopped before it ran.")
        played = RunResult(outcome, None, Status(), ())
    return LocalResult(
        mode=runner.mode,
        image_digest=image_digest,
        arguments=run.arguments,
        played=played,
        phases=(Phase("prepare", began, prepared), *played.phases),
    )


def _phase_document(phase: Phase) -> dict[str, Any]:
    ended_at = None if phase.ended_at is None else format_time(phase.ended_at)
    return {
        "name": phase.name,
        "started_at": format_time(phase.started_at),
        "ended_at": ended_at,
    }
