from itertools import product

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.errors import LeaseLost
from au2.domain.job import Job, JobState, Outcome, Phase, Reason, StateChange, may_become
from au2.stores.database import job_changes
from au2.stores.database.events import list_events
from tests.support.world import OPERATOR, World


@pytest.fixture
def job(world: World) -> Job:
    context = world.organization()
    process = world.process(context)
    world.version(process)
    return world.services.jobs.submit_run(world.actor(OPERATOR), context, RunOrder(process))


def change(
    world: World, job: Job, state: JobState, *, expected: JobState, token: int | None
) -> None:
    with world.database.write() as transaction:
        outcome = Outcome(state) if state.is_final else None
        job_changes.change_state(
            transaction, job, StateChange(expected, state, world.clock(), outcome), token=token
        )


@pytest.mark.parametrize(
    ("expected", "wanted"),
    [pair for pair in product(JobState, JobState) if not may_become(*pair)],
)
def test_what_is_not_legal_is_a_mistake_of_ours(
    world: World, job: Job, expected: JobState, wanted: JobState
):
    with pytest.raises(ValueError, match="can't go"):
        change(world, job, wanted, expected=expected, token=None)


def test_the_expected_state_is_asked_for(world: World, job: Job):
    with pytest.raises(LeaseLost):
        change(world, job, JobState.FAILED, expected=JobState.RUNNING, token=None)
    assert world.job(job.id) == job


def test_a_claimed_job_is_changed_by_its_claim_only(world: World, job: Job):
    claim = world.claim(job.id)
    for token in (None, claim.token - 1, claim.token + 1):
        with pytest.raises(LeaseLost):
            change(world, job, JobState.FAILED, expected=JobState.RUNNING, token=token)
    change(world, job, JobState.FAILED, expected=JobState.RUNNING, token=claim.token)
    with pytest.raises(LeaseLost):
        change(world, job, JobState.FAILED, expected=JobState.RUNNING, token=claim.token)


def test_state_and_event_stand_or_fall_together(world: World, job: Job):
    claim = world.claim(job.id)

    def change_and_break() -> None:
        with world.database.write() as transaction:
            job_changes.change_state(
                transaction,
                job,
                StateChange.end(JobState.RUNNING, Outcome(JobState.SUCCEEDED), world.clock()),
                token=claim.token,
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_break()
    assert actions(world, job) == ["job:submitted", "job:running"]
    world.end(claim, Outcome(JobState.FAILED, Reason.EXIT_CODE, "Look.", 3), {"a": 1})
    assert actions(world, job) == ["job:submitted", "job:running", "job:failed"]
    ended = world.job(job.id)
    assert (ended.reason, ended.exit_code, ended.output) == (Reason.EXIT_CODE, 3, {"a": 1})
    assert ended.attempts[-1].outcome == Outcome(JobState.FAILED, Reason.EXIT_CODE, "Look.", 3)


def actions(world: World, job: Job) -> list[str]:
    with world.database.read() as transaction:
        return [event.action for event in list_events(transaction, f"job:{job.id}")]


def test_the_first_request_to_stop_counts(world: World, job: Job):
    for by in ("first@example.com", "second@example.com"):
        with world.database.write() as transaction:
            job_changes.request_stop(transaction, job.id, at=world.clock(), by=by)
        world.clock.move(hours=1)
    stop_requested_at = world.job(job.id).stop_requested_at
    assert stop_requested_at is not None
    assert stop_requested_at < world.clock()


def test_what_is_not_known_of_an_attempt_stays(world: World, job: Job):
    world.claim(job.id)
    phases = (Phase("create", world.clock(), world.clock()), Phase("run", world.clock()))
    with world.database.write() as transaction:
        job_changes.update_attempt(
            transaction, job.id, 1, phases=phases, container_id="c-1", used={"cpu_seconds": 1.5}
        )
        job_changes.update_attempt(transaction, job.id, 1, phases=phases, image_digest="sha256:0")
    (attempt,) = world.job(job.id).attempts
    assert (attempt.container_id, attempt.image_digest) == ("c-1", "sha256:0")
    assert (attempt.phases, attempt.used) == (phases, {"cpu_seconds": 1.5})


def test_status_is_kept_while_the_claim_holds(world: World, job: Job):
    claim = world.claim(job.id)
    for token, text in ((claim.token, "half"), (claim.token - 1, "stale")):
        with world.database.write() as transaction:
            job_changes.set_status(transaction, job.id, token, text=text, progress=0.5)
    kept = world.job(job.id)
    assert (kept.status_text, kept.progress) == ("half", 0.5)
