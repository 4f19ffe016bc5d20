"""Explanations: every code has a sentence, and the timeline adds up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from au2.domain.accounts.context import Context
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.explanation import ProgressCode, explain_job, list_codes
from au2.domain.jobs.job import (
    Attempt,
    Job,
    JobState,
    JobType,
    Phase,
    Reason,
    Resources,
    RunRequest,
)
from au2.domain.jobs.waiting import QueuePosition, WaitingCode, explain_waiting

AT = datetime(2030, 1, 31, 12, tzinfo=UTC)
RESOURCES = Resources(1.0, 512 << 20, 512, 600.0, Network.NONE)


def at(milliseconds: float) -> datetime:
    return AT + timedelta(milliseconds=milliseconds)


def job(state: JobState, reason: Reason | None = None, **more: object) -> Job:
    made = Job(
        id=12,
        type=JobType.RUN,
        state=state,
        name="my process",
        context=Context("o", "p"),
        process_id="x",
        version_number=1,
        submitted_by="a@example.org",
        created_at=AT,
        reason=reason,
        request=RunRequest({}, {}, RESOURCES),
    )
    return replace(made, **more)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason(reason: Reason) -> None:
    found = explain_job(job(JobState.FAILED, reason, ended_at=at(5)), None, at(9))
    told = explain_job(job(JobState.FAILED, reason, reason_text="It wrote too much."), None, at(9))

    assert (found.code, found.text) == (reason, reason.meaning)
    assert (told.code, told.text) == (reason, "It wrote too much.")
    assert found.hint is not None or reason is Reason.DISK_FULL


def test_hints_are_commands_that_can_be_copied() -> None:
    hints = {
        reason: explain_job(job(JobState.FAILED, reason), None, at(0)).hint for reason in Reason
    }

    assert hints[Reason.EXIT_CODE] == "Its last lines: au2 job logs 12 --tail 20"
    assert hints[Reason.OUT_OF_MEMORY] == (
        "It had 512 MiB. With more: au2 process run 'my process' --memory 1024MiB"
    )
    assert hints[Reason.TIMED_OUT] == "With more time: au2 process run 'my process' --timeout 1200s"
    assert hints[Reason.ENGINE_LOST] == "Run it again: au2 process run 'my process'"


@pytest.mark.parametrize("code", WaitingCode)
def test_every_cause_of_a_wait(code: WaitingCode) -> None:
    position = {
        WaitingCode.UPLOAD: QueuePosition(False, False, 0, 0),
        WaitingCode.NO_DISPATCHER: QueuePosition(True, False, 0, 0),
        WaitingCode.PREPARING: QueuePosition(True, True, 0, 1),
        WaitingCode.PLACES: QueuePosition(True, False, 3, 2),
        WaitingCode.JOBS_BEFORE: QueuePosition(True, False, 3, 0),
        WaitingCode.DISPATCHER: QueuePosition(True, False, 0, 0),
    }[code]
    waiting = explain_waiting(
        position, places=2, has_dispatcher=code is not WaitingCode.NO_DISPATCHER
    )

    found = explain_job(job(JobState.PENDING), waiting, at(250))

    assert (found.code, found.text, found.waiting) == (code, waiting.text, waiting)
    [queued] = found.timeline
    assert (queued.name, queued.milliseconds, queued.is_open) == ("queued", 250, True)


def test_running_stopping_and_ended_well() -> None:
    running = job(JobState.RUNNING, started_at=AT)

    found = explain_job(replace(running, status_text="half"), None, at(90_000))
    stopping = explain_job(replace(running, stop_requested_at=at(85_000)), None, at(90_000))
    done = explain_job(
        job(JobState.SUCCEEDED, started_at=AT, ended_at=at(1500), output={}), None, at(9e9)
    )

    assert found.code is ProgressCode.RUNNING
    assert "of 10 min at most. It last said: half" in found.text
    assert found.hint == "Follow it: au2 job logs 12 -f"
    assert stopping.code is ProgressCode.STOPPING
    assert done.code is ProgressCode.SUCCEEDED
    assert done.hint == "Its output: au2 job output 12"


def test_a_job_just_claimed() -> None:
    assert explain_job(job(JobState.PENDING), None, AT).code is WaitingCode.PREPARING


def test_the_timeline_of_two_attempts() -> None:
    first = Attempt(1, at(100), at(150), at(400), phases=(Phase("prepare", at(100), at(150)),))
    second = Attempt(
        2,
        at(900),
        at(960),
        at(2000),
        phases=(Phase("create", at(900), at(960)), Phase("run", at(960), at(1990))),
    )
    ended = job(JobState.SUCCEEDED, ended_at=at(2000), attempts=(first, second))

    spans = explain_job(ended, None, at(5000)).timeline

    assert [(span.name, span.attempt, span.milliseconds) for span in spans] == [
        ("queued", None, 100),
        ("prepare", 1, 50),
        ("output", 1, 250),
        ("queued", None, 500),
        ("create", 2, 60),
        ("run", 2, 1030),
        ("output", 2, 10),
    ]
    assert sum(span.milliseconds for span in spans) == 2000
    assert not any(span.is_open for span in spans)


def test_a_clock_set_back_and_a_phase_never_closed() -> None:
    lost = Attempt(1, at(-50), None, at(700), phases=(Phase("run", at(10)),))

    spans = explain_job(job(JobState.FAILED, attempts=(lost,)), None, at(900)).timeline

    assert [(span.name, span.milliseconds, span.is_open) for span in spans] == [
        ("queued", 0, False),
        ("run", 690, False),
    ]


def test_codes_are_different_words() -> None:
    codes = list_codes()
    assert len({str(code) for code in codes}) == len(codes)
    assert all(code.meaning.endswith(".") for code in codes)
