"""Outcome of a run, computed from its last observation. Pure: each case is a line in a test."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Any

from au2.domain.job import JobState, Outcome, Reason, Resources
from au2.domain.wording import as_sentence, format_seconds
from au2.engines.base import ContainerState, Observation
from au2.execution.exit_codes import KILLED, describe_exit, explain_exit
from au2.execution.job_results import Output
from au2.execution.remarks import describe_memory_kills
from au2.secrets.masking import Masker


class Interruption(Enum):
    """Cause of a termination by the platform."""

    STOP = auto()
    TIME_OUT = auto()
    DISK_FULL = auto()


def make_outcome(
    observation: Observation,
    *,
    resources: Resources,
    interruption: Interruption | None,
    launcher: Mapping[str, Any],
    output: Output,
    disk_text: str | None = None,
) -> Outcome:
    """Return the outcome of a run. Its message names memory kills in any case.

    Args:
        observation: the last one, of an exited or lost container.
        resources: of the run, for the message.
        interruption: cause of the termination; None: the run ended by itself.
        launcher: the launcher's record, ``{}`` if there is none. The record is written inside
            the container, so it only chooses between reasons of failure, never success.
        output: of the run.
        disk_text: the message of a termination for use of the disk.
    """
    kills = describe_memory_kills(observation, resources.memory_bytes)
    code = observation.exit_code
    if code == KILLED and kills is not None and interruption is None:
        return Outcome(JobState.FAILED, Reason.OUT_OF_MEMORY, kills, code)
    if interruption is Interruption.DISK_FULL and code is not None:
        outcome = Outcome(JobState.FAILED, Reason.DISK_FULL, disk_text, code)
    else:
        outcome = _find_outcome(observation, resources, interruption, launcher, output)
    if kills is None:
        return outcome
    return replace(outcome, reason_text=f"{outcome.reason_text or ''} {kills}".strip())


def mask_outcome(outcome: Outcome, masker: Masker) -> Outcome:
    """Return the outcome with secrets masked: its message may quote the code's output."""
    if outcome.reason_text is None:
        return outcome
    return replace(outcome, reason_text=masker.mask_text(outcome.reason_text))


def _find_outcome(
    observation: Observation,
    resources: Resources,
    interruption: Interruption | None,
    launcher: Mapping[str, Any],
    output: Output,
) -> Outcome:
    """Return the outcome without regard to memory kills."""
    code = observation.exit_code
    if observation.state is ContainerState.LOST or code is None:
        return _lost(observation)
    if interruption is Interruption.STOP:
        return Outcome(JobState.STOPPED, Reason.STOPPED, "Stopped on request.", code)
    if interruption is Interruption.TIME_OUT:
        return Outcome(
            JobState.FAILED,
            Reason.TIMED_OUT,
            f"It ran longer than its time limit of {format_seconds(resources.timeout_seconds)}."
            # Code that waits for a process that was killed would only wait longer.
            + ("" if observation.out_of_memory_kills else " Give it more with --timeout."),
            code,
        )
    if code != 0:
        return _failure(code, launcher, resources)
    if output.problem is not None:
        return Outcome(JobState.FAILED, Reason.INVALID_OUTPUT, output.problem, code)
    return Outcome(JobState.SUCCEEDED, exit_code=code)


def _lost(observation: Observation) -> Outcome:
    cause = f": {observation.message}" if observation.message else ""
    lost = as_sentence(f"The platform lost the container, so how it ended is not known{cause}")
    advice = "Run it again; if it happens again, ask your operator."
    return Outcome(JobState.FAILED, Reason.ENGINE_LOST, f"{lost} {advice}")


def _failure(code: int, launcher: Mapping[str, Any], resources: Resources) -> Outcome:
    exited = describe_exit(code)
    if launcher.get("before_exit_code") not in (None, 0):
        return Outcome(
            JobState.FAILED,
            Reason.BEFORE_FAILED,
            f"before.sh exited with {exited}, so the entry point did not run. See the log.",
            code,
        )
    if launcher.get("entry_exit_code") == 0 and launcher.get("after_exit_code") not in (None, 0):
        return Outcome(
            JobState.FAILED,
            Reason.AFTER_FAILED,
            f"The entry point succeeded, but after.sh exited with {exited}. See the log.",
            code,
        )
    cause = explain_exit(code, resources)
    text = f"The code exited with {exited}."
    if cause is not None:
        text = f"{text} {cause}"
    return Outcome(JobState.FAILED, Reason.EXIT_CODE, text, code)
