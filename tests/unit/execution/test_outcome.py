from dataclasses import replace

import pytest

from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import JobState, Outcome, Reason, Resources
from au2.engines.protocol import ContainerState, Observation
from au2.execution.job_results import Output
from au2.execution.outcome import Interruption, make_outcome

RESOURCES = Resources(
    cpu=1, memory_bytes=64 << 20, processes=64, timeout_seconds=90, network=Network.NONE
)


def ended(code: int, *, kills: int = 0, at_limit: bool = True) -> Observation:
    return Observation(
        ContainerState.EXITED,
        exit_code=code,
        out_of_memory_kills=kills,
        reached_memory_limit=kills > 0 and at_limit,
    )


def end(
    seen: Observation,
    interruption: Interruption | None = None,
    launcher: dict[str, object] | None = None,
    output: Output | None = None,
) -> Outcome:
    return make_outcome(
        seen,
        resources=RESOURCES,
        interruption=interruption,
        launcher=launcher or {},
        output=output or Output(),
    )


@pytest.mark.parametrize(
    ("outcome", "state", "reason", "exit_code"),
    [
        (end(ended(0)), JobState.SUCCEEDED, None, 0),
        (end(ended(3)), JobState.FAILED, Reason.EXIT_CODE, 3),
        (end(ended(137, kills=1)), JobState.FAILED, Reason.OUT_OF_MEMORY, 137),
        # Nothing was killed for memory: the code itself chose this code.
        (end(ended(137)), JobState.FAILED, Reason.EXIT_CODE, 137),
        (end(ended(143), Interruption.STOP), JobState.STOPPED, Reason.STOPPED, 143),
        (end(ended(0), Interruption.STOP), JobState.STOPPED, Reason.STOPPED, 0),
        (end(ended(0), Interruption.TIME_OUT), JobState.FAILED, Reason.TIMED_OUT, 0),
        (
            end(ended(4), launcher={"before_exit_code": 4}),
            JobState.FAILED,
            Reason.BEFORE_FAILED,
            4,
        ),
        (
            end(ended(5), launcher={"before_exit_code": 0, "entry_exit_code": 5}),
            JobState.FAILED,
            Reason.EXIT_CODE,
            5,
        ),
        (
            end(ended(6), launcher={"entry_exit_code": 0, "after_exit_code": 6}),
            JobState.FAILED,
            Reason.AFTER_FAILED,
            6,
        ),
        # A record forged inside the container makes no success of a failure.
        (
            end(ended(7), launcher={"entry_exit_code": 0, "after_exit_code": 0}),
            JobState.FAILED,
            Reason.EXIT_CODE,
            7,
        ),
        (end(ended(0), output=Output(problem="no")), JobState.FAILED, Reason.INVALID_OUTPUT, 0),
        (end(ended(2), output=Output(problem="no")), JobState.FAILED, Reason.EXIT_CODE, 2),
        (end(Observation(ContainerState.LOST)), JobState.FAILED, Reason.ENGINE_LOST, None),
    ],
)
def test_every_way_to_end(
    outcome: Outcome, state: JobState, reason: Reason | None, exit_code: int | None
):
    assert (outcome.state, outcome.reason, outcome.exit_code) == (state, reason, exit_code)
    assert (outcome.reason_text is None) == (state is JobState.SUCCEEDED)


def test_sentences_say_what_to_do():
    assert "--memory" in (end(ended(137, kills=1)).reason_text or "")
    assert "1 min 30 s" in (end(ended(143), Interruption.TIME_OUT).reason_text or "")
    assert "SIGSEGV" in (end(ended(139)).reason_text or "")
    assert "/dev/shm" not in (end(ended(139)).reason_text or "")


@pytest.mark.parametrize(("size", "told"), [(None, "64 MiB"), (16 << 20, "16 MiB")])
def test_a_bus_error_is_explained(size: int | None, told: str):
    outcome = make_outcome(
        ended(135),
        resources=replace(RESOURCES, shared_memory_bytes=size),
        interruption=None,
        launcher={},
        output=Output(),
    )
    text = outcome.reason_text or ""
    assert outcome.reason is Reason.EXIT_CODE
    for part in ("SIGBUS", "bus error", "/dev/shm was full", told, "--shm-size"):
        assert part in text


@pytest.mark.parametrize(
    ("seen", "interruption", "state", "reason"),
    [
        # A worker was killed, and the code coped with it, or ended for a reason of its own.
        (ended(0, kills=2), None, JobState.SUCCEEDED, None),
        (ended(3, kills=2), None, JobState.FAILED, Reason.EXIT_CODE),
        (ended(137, kills=2), None, JobState.FAILED, Reason.OUT_OF_MEMORY),
        (ended(137, kills=2), Interruption.TIME_OUT, JobState.FAILED, Reason.TIMED_OUT),
        (ended(143, kills=2), Interruption.STOP, JobState.STOPPED, Reason.STOPPED),
        (
            Observation(ContainerState.LOST, out_of_memory_kills=2, reached_memory_limit=True),
            None,
            JobState.FAILED,
            Reason.ENGINE_LOST,
        ),
    ],
)
def test_kills_for_memory_are_told_however_it_ended(
    seen: Observation, interruption: Interruption | None, state: JobState, reason: Reason | None
):
    outcome = end(seen, interruption)
    assert (outcome.state, outcome.reason) == (state, reason)
    assert outcome.reason_text is not None
    assert "killed 2 processes of this run for memory" in outcome.reason_text
    assert "64 MiB" in outcome.reason_text
    assert "--memory" in outcome.reason_text
    assert "--timeout" not in outcome.reason_text


def test_a_machine_without_memory_is_not_the_codes_fault():
    text = end(ended(137, kills=1, at_limit=False)).reason_text or ""
    assert "the machine had no memory left" in text
    assert "--memory" not in text
