"""From what was observed to how the job ended. Pure, so that every case is a line in a test."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from au2.domain.job import JobState, Outcome, Reason, Resources
from au2.domain.json_value import find_json_mistake
from au2.domain.wording import as_sentence, format_bytes, format_seconds
from au2.engines.base import ContainerState, Observation
from au2.execution.exit_codes import KILLED, describe_exit, explain_exit
from au2.execution.memory_kills import describe_memory_kills


class Interruption(Enum):
    """Why the platform ended a container that ran."""

    STOP = auto()
    TIME_OUT = auto()
    DISK_FULL = auto()


@dataclass(frozen=True, slots=True)
class Output:
    """What the code left in its output file."""

    value: Mapping[str, Any] | None = None
    problem: str | None = None
    """Why it is not valid."""


def parse_output(content: bytes | None, *, limit_bytes: int) -> Output:
    """Return what an output file says; None is a missing file, which is valid."""
    if content is None:
        return Output()
    try:
        value = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return Output(problem=as_sentence(f"The output file is not JSON: {error}"))
    if not isinstance(value, dict):
        return Output(problem=f"The output must be a JSON object, not {_json_name(value)}.")
    if len(content) > limit_bytes:
        return Output(problem=too_large(limit_bytes))
    if mistake := find_json_mistake(value):
        return Output(problem=as_sentence(f"The output can't be passed on: {mistake}"))
    return Output(value)


def too_large(limit_bytes: int) -> str:
    """Return the sentence about an output over the limit."""
    return (
        f"The output file is larger than {format_bytes(limit_bytes)}. "
        "Write a summary there and keep bulk data elsewhere."
    )


def make_outcome(
    observation: Observation,
    *,
    resources: Resources,
    interruption: Interruption | None,
    launcher: Mapping[str, Any],
    output: Output,
    disk_text: str | None = None,
) -> Outcome:
    """Return how a run ended.

    Args:
        observation: of a container that has exited or was lost.
        resources: what the job asked for, for the sentence.
        interruption: if the platform ended it.
        launcher: the launcher's own record, ``{}`` where there is none. It comes from inside the
            container, so it only chooses between reasons of failure, never success.
        output: what the code wrote.
        disk_text: the sentence where the interruption was for what it wrote to the disk.

    Returns:
        The ending; its sentence tells of processes that were killed for memory however it ended.
    """
    kills = describe_memory_kills(observation, resources.memory_bytes)
    code = observation.exit_code
    if code == KILLED and kills is not None and interruption is None:
        return Outcome(JobState.FAILED, Reason.OUT_OF_MEMORY, kills, code)
    if interruption is Interruption.DISK_FULL and code is not None:
        outcome = Outcome(JobState.FAILED, Reason.DISK_FULL, disk_text, code)
    else:
        outcome = _judge(observation, resources, interruption, launcher, output)
    if kills is None:
        return outcome
    return replace(outcome, reason_text=f"{outcome.reason_text or ''} {kills}".strip())


def _judge(
    observation: Observation,
    resources: Resources,
    interruption: Interruption | None,
    launcher: Mapping[str, Any],
    output: Output,
) -> Outcome:
    """Return the ending; processes that were killed for memory are told of elsewhere."""
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


def _json_name(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
