from itertools import product

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.errors import LeaseLost
from au2.domain.jobs.job import Job, JobState, Outcome, Phase, Reason, StateChange, may_become
from au2.stores.database import job_changes
from au2.stores.database.events import list_events
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def job(backend: Backend) -> Job:
    context = backend.organization()
    process = backend.process(context)
    backend.version(process)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, RunOrder(process))


def change(
    backend: Backend, job: Job, state: JobState, *, expected: JobState, fencing_token: int | None
) -> None:
    with backend.database.write() as transaction:
        outcome = Outcome(state) if state.is_final else None
        job_changes.change_state(
            transaction,
            job,
            StateChange(expected, state, backend.clock(), outcome),
            fencing_token=fencing_token,
        )


@pytest.mark.parametrize(
    ("expected", "wanted"),
    [pair for pair in product(JobState, JobState) if not may_become(*pair)],
)
def test_what_is_not_legal_is_a_mistake_of_ours(
    backend: Backend, job: Job, expected: JobState, wanted: JobState
):
    with pytest.raises(ValueError, match="can't go"):
        change(backend, job, wanted, expected=expected, fencing_token=None)


def test_the_expected_state_is_asked_for(backend: Backend, job: Job):
    with pytest.raises(LeaseLost):
        change(backend, job, JobState.FAILED, expected=JobState.RUNNING, fencing_token=None)
    assert backend.job(job.id) == job


def test_a_claimed_job_is_changed_by_its_claim_only(backend: Backend, job: Job):
    claim = backend.claim(job.id)
    for fencing_token in (None, claim.fencing_token - 1, claim.fencing_token + 1):
        with pytest.raises(LeaseLost):
            change(
                backend,
                job,
                JobState.FAILED,
                expected=JobState.RUNNING,
                fencing_token=fencing_token,
            )
    change(
        backend, job, JobState.FAILED, expected=JobState.RUNNING, fencing_token=claim.fencing_token
    )
    with pytest.raises(LeaseLost):
        change(
            backend,
            job,
            JobState.FAILED,
            expected=JobState.RUNNING,
            fencing_token=claim.fencing_token,
        )


def test_state_and_event_stand_or_fall_together(backend: Backend, job: Job):
    claim = backend.claim(job.id)

    def change_and_break() -> None:
        with backend.database.write() as transaction:
            job_changes.change_state(
                transaction,
                job,
                StateChange.end(JobState.RUNNING, Outcome(JobState.SUCCEEDED), backend.clock()),
                fencing_token=claim.fencing_token,
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_break()
    assert actions(backend, job) == ["job:submitted", "job:running"]
    backend.end(claim, Outcome(JobState.FAILED, Reason.EXIT_CODE, "Look.", 3), {"a": 1})
    assert actions(backend, job) == ["job:submitted", "job:running", "job:failed"]
    ended = backend.job(job.id)
    assert (ended.reason, ended.exit_code, ended.output) == (Reason.EXIT_CODE, 3, {"a": 1})
    assert ended.attempts[-1].outcome == Outcome(JobState.FAILED, Reason.EXIT_CODE, "Look.", 3)


def actions(backend: Backend, job: Job) -> list[str]:
    with backend.database.read() as transaction:
        return [event.action for event in list_events(transaction, f"job:{job.id}")]


def test_the_first_request_to_stop_counts(backend: Backend, job: Job):
    for by in ("first@example.com", "second@example.com"):
        with backend.database.write() as transaction:
            job_changes.request_stop(transaction, job.id, at=backend.clock(), by=by)
        backend.clock.move(hours=1)
    stop_requested_at = backend.job(job.id).stop_requested_at
    assert stop_requested_at is not None
    assert stop_requested_at < backend.clock()


def test_what_is_not_known_of_an_attempt_stays(backend: Backend, job: Job):
    backend.claim(job.id)
    phases = (Phase("create", backend.clock(), backend.clock()), Phase("run", backend.clock()))
    with backend.database.write() as transaction:
        job_changes.update_attempt(
            transaction, job.id, 1, phases=phases, container_id="c-1", used={"cpu_seconds": 1.5}
        )
        job_changes.update_attempt(transaction, job.id, 1, phases=phases, image_digest="sha256:0")
    (attempt,) = backend.job(job.id).attempts
    assert (attempt.container_id, attempt.image_digest) == ("c-1", "sha256:0")
    assert (attempt.phases, attempt.used) == (phases, {"cpu_seconds": 1.5})


def test_status_is_kept_while_the_claim_holds(backend: Backend, job: Job):
    claim = backend.claim(job.id)
    for fencing_token, text in ((claim.fencing_token, "half"), (claim.fencing_token - 1, "stale")):
        with backend.database.write() as transaction:
            job_changes.set_status(transaction, job.id, fencing_token, text=text, progress=0.5)
    kept = backend.job(job.id)
    assert (kept.status_text, kept.progress) == ("half", 0.5)
