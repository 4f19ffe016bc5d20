from datetime import timedelta

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.errors import LeaseLost
from au2.domain.job import Claim, JobState, JobType, Outcome, StateChange
from au2.stores.database import claims, job_changes
from tests.support.world import OPERATOR, World

LEASE_SECONDS = 30.0


def submit(world: World, count: int) -> list[int]:
    context = world.organization()
    process = world.process(context)
    world.version(process)
    operator = world.actor(OPERATOR)
    return [
        world.services.jobs.submit_run(operator, context, RunOrder(process)).id
        for _ in range(count)
    ]


def take(world: World, owner: str, limit: int = 10) -> list[Claim]:
    with world.database.write() as transaction:
        return claims.take_claims(
            transaction, owner, limit=limit, at=world.clock(), lease_seconds=LEASE_SECONDS
        )


def begin(world: World, claim: Claim) -> None:
    with world.database.write() as transaction:
        job_changes.change_state(
            transaction,
            claim.job,
            StateChange.start(world.clock()),
            token=claim.token,
        )


def test_oldest_first_and_each_job_once(world: World):
    ids = submit(world, 3)

    first, second = take(world, "a", limit=2), take(world, "b")

    assert [claim.job.id for claim in first + second] == ids
    assert take(world, "c") == []
    assert all(claim.attempt.number == 1 and not claim.resumed for claim in first + second)


def test_an_expired_claim_is_taken_over_and_goes_on_with_its_attempt(world: World):
    submit(world, 1)
    (old,) = take(world, "a")
    begin(world, old)
    world.clock.move(seconds=LEASE_SECONDS)
    assert take(world, "b") == []
    world.clock.move(seconds=1)

    (new,) = take(world, "b")

    assert (new.resumed, new.attempt.number, new.job.state) == (True, 1, JobState.RUNNING)
    assert new.token > old.token
    for change in (renew, finish):
        with pytest.raises(LeaseLost):
            change(world, old)
    finish(world, new)


def renew(world: World, claim: Claim) -> None:
    with world.database.write() as transaction:
        claims.renew_claim(
            transaction, claim.job.id, claim.token, at=world.clock(), lease_seconds=LEASE_SECONDS
        )


def finish(world: World, claim: Claim) -> None:
    world.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0))


def test_a_renewed_claim_stays(world: World):
    submit(world, 1)
    (claim,) = take(world, "a")
    world.clock.move(seconds=LEASE_SECONDS)
    renew(world, claim)
    world.clock.move(seconds=LEASE_SECONDS)
    assert take(world, "b") == []


def test_what_a_dead_owner_held_is_free_at_once(world: World):
    submit(world, 2)
    take(world, "a", limit=1)
    take(world, "b", limit=1)
    with world.database.write() as transaction:
        assert claims.release_claims(transaction, "a") == 1
    (claim,) = take(world, "c")
    assert (claim.job.id, claim.resumed) == (1, True)


def test_a_claim_after_an_ended_attempt_begins_a_new_one(world: World):
    submit(world, 1)
    (claim,) = take(world, "a")
    begin(world, claim)
    lost = Outcome(JobState.FAILED)
    with world.database.write() as transaction:
        job_changes.update_attempt(transaction, 1, 1, phases=(), outcome=lost)
        claims.release_claims(transaction, "a")
    (again,) = take(world, "a")
    assert (again.attempt.number, again.resumed) == (2, False)
    assert [attempt.number for attempt in world.job(1).attempts] == [1, 2]


def test_a_job_that_waits_for_its_upload_or_has_ended_is_not_taken(world: World):
    submit(world, 1)
    (claim,) = take(world, "a")
    begin(world, claim)
    finish(world, claim)
    world.clock.move(seconds=timedelta(days=1).total_seconds())
    assert take(world, "a") == []


def test_what_one_works_on_oneself_is_renewed_not_taken_again(world: World) -> None:
    ids = submit(world, 2)
    own, _ = take(world, "a")
    world.clock.move(seconds=LEASE_SECONDS + 1)
    with world.database.write() as transaction:
        taken = claims.take_claims(
            transaction,
            "a",
            limit=10,
            at=world.clock(),
            lease_seconds=LEASE_SECONDS,
            except_jobs=[own.job.id],
        )
    assert [claim.job.id for claim in taken] == ids[1:]
    renew(world, own)


def test_a_running_job_is_taken_up_also_when_none_of_its_type_may_begin(world: World) -> None:
    ids = submit(world, 2)
    (running,) = take(world, "a", limit=1)
    begin(world, running)
    world.clock.move(seconds=LEASE_SECONDS + 1)
    with world.database.write() as transaction:
        taken = claims.take_claims(
            transaction,
            "b",
            limit=10,
            at=world.clock(),
            lease_seconds=LEASE_SECONDS,
            types=(JobType.UPLOAD,),
        )
    assert [(claim.job.id, claim.resumed) for claim in taken] == [(ids[0], True)]
