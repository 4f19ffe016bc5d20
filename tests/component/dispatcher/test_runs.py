"""Runs from submission to outcome, through a real database and the fake engine."""

from typing import Any

import pytest

from au2.app.jobs.run_requests import WantedResources
from au2.domain.jobs.job import JobState, Reason
from au2.engines.fake.program import (
    Disappear,
    Exit,
    FailCreate,
    KillForMemory,
    OnSignal,
    Print,
    Wait,
    WriteFile,
)
from tests.support.servers.backend import OPERATOR
from tests.support.servers.dispatching import Installation
from tests.support.waiting import wait_until


def test_a_run_succeeds_with_its_output_and_log(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.wait_for_end(
            installation.submit(Print(b"out\nerr\n"), WriteFile("output.json", b'{"sum": 3}'))
        )
    assert (job.state, job.exit_code, job.output) == (JobState.SUCCEEDED, 0, {"sum": 3})
    assert installation.lines(job.id) == ["out", "err"]
    assert list(installation.engine.list_containers()) == [], "the container was removed"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([Exit(3)], Reason.EXIT_CODE),
        ([KillForMemory()], Reason.OUT_OF_MEMORY),
        ([WriteFile("output.json", b"[1]")], Reason.INVALID_OUTPUT),
        ([Disappear()], Reason.ENGINE_LOST),
        ([FailCreate("no such program")], Reason.START_FAILED),
    ],
)
def test_a_failed_run_has_a_reason(
    installation: Installation, steps: list[Any], reason: Reason
) -> None:
    with installation.dispatching():
        job = installation.wait_for_end(installation.submit(*steps))
    assert (job.state, job.reason) == (JobState.FAILED, reason)
    assert job.reason_text


def test_a_child_killed_for_memory_is_told_and_fails_nothing(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.wait_for_end(
            installation.submit(KillForMemory(is_first_process=False), Print(b"went on\n"))
        )
    assert job.state is JobState.SUCCEEDED
    assert job.attempts[0].used["out_of_memory_kills"] == 1


def test_an_image_that_is_gone_is_named_as_the_reason(installation: Installation) -> None:
    version = installation.backend.services.versions.get(
        installation.backend.actor(OPERATOR), installation.process, 1
    )
    assert version.image_digest is not None
    installation.backend.blobs.remove(version.image_digest)
    with installation.dispatching():
        job = installation.wait_for_end(installation.submit())
    assert (job.state, job.reason) == (JobState.FAILED, Reason.IMAGE_MISSING)


def test_the_status_is_shown_while_a_program_runs(installation: Installation) -> None:
    with installation.dispatching():
        status = b'{"text": "half", "progress": 0.5}'
        job = installation.submit(WriteFile("status.json", status), Wait())
        wait_until(lambda: installation.job(job).status_text == "half")
        assert installation.job(job).progress == 0.5
        installation.resume(job)
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED


def test_a_stop_lets_the_program_end_by_itself(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.submit(OnSignal("SIGTERM", 7), Print(b"ready\n"), Wait())
        installation.wait_for_line(job, "ready")
        installation.backend.services.jobs.stop(installation.backend.actor(OPERATOR), job)
        ended = installation.wait_for_end(job)
    assert (ended.state, ended.reason, ended.exit_code) == (JobState.STOPPED, Reason.STOPPED, 7)


def test_a_program_that_ignores_the_stop_is_killed(installation: Installation) -> None:
    def has_ended() -> bool:
        installation.backend.clock.move(seconds=1)
        return installation.job(job).state.is_final

    with installation.dispatching():
        job = installation.submit(Print(b"ready\n"), Wait())
        installation.wait_for_line(job, "ready")
        installation.backend.services.jobs.stop(installation.backend.actor(OPERATOR), job)
        wait_until(has_ended)
    ended = installation.job(job)
    assert (ended.state, ended.exit_code) == (JobState.STOPPED, 137)


def test_a_run_over_its_time_limit_is_ended(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.submit(
            OnSignal("SIGTERM", 0),
            Print(b"ready\n"),
            Wait(),
            resources=WantedResources(timeout_seconds=60),
        )
        installation.wait_for_line(job, "ready")
        installation.backend.clock.move(seconds=61)
        ended = installation.wait_for_end(job)
    assert (ended.state, ended.reason) == (JobState.FAILED, Reason.TIMED_OUT)


def test_no_more_jobs_run_at_a_time_than_the_operator_allows(installation: Installation) -> None:
    def count(state: JobState) -> int:
        return sum(installation.job(job).state is state for job in submitted)

    with installation.dispatching():
        submitted = [installation.submit(Wait()) for _ in range(10)]
        wait_until(lambda: count(JobState.RUNNING) == 8)
        assert count(JobState.PENDING) == 2
        installation.resume(submitted[0])
        wait_until(lambda: count(JobState.PENDING) == 1)
        for job in submitted[1:]:
            wait_until(lambda job=job: installation.job(job).state is not JobState.PENDING)
            installation.resume(job)
            installation.wait_for_end(job)
    assert count(JobState.SUCCEEDED) == 10


def test_a_job_that_is_stopped_before_it_is_claimed_never_runs(installation: Installation) -> None:
    job = installation.submit(Print(b"never\n"))
    installation.backend.services.jobs.stop(installation.backend.actor(OPERATOR), job)
    with installation.dispatching():
        assert installation.wait_for_end(job).state is JobState.STOPPED
        later = installation.submit()
        installation.wait_for_end(later)
    assert installation.lines(job) == []
