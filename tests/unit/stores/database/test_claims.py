from datetime import timedelta

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.errors import LeaseLost
from au2.domain.jobs.job import Claim, JobState, JobType, Outcome, StateChange
from au2.stores.database import claims, job_changes
from tests.support.servers.backend import OPERATOR, Backend

LEASE_SECONDS = 30.0


def submit(backend: Backend, count: int) -> list[int]:
    context = backend.organization()
    process = backend.process(context)
    backend.version(process)
    operator = backend.actor(OPERATOR)
    return [
        backend.services.jobs.submit_run(operator, context, RunOrder(process)).id
        for _ in range(count)
    ]


def take(backend: Backend, owner: str, limit: int = 10) -> list[Claim]:
    with backend.database.write() as transaction:
        return claims.take_claims(
            transaction, owner, limit=limit, at=backend.clock(), lease_seconds=LEASE_SECONDS
        )


def begin(backend: Backend, claim: Claim) -> None:
    with backend.database.write() as transaction:
        job_changes.change_state(
            transaction,
            claim.job,
            StateChange.start(backend.clock()),
            fencing_token=claim.fencing_token,
        )


def test_oldest_first_and_each_job_once(backend: Backend):
    ids = submit(backend, 3)

    first, second = take(backend, "a", limit=2), take(backend, "b")

    assert [claim.job.id for claim in first + second] == ids
    assert take(backend, "c") == []
    assert all(claim.attempt.number == 1 and not claim.resumed for claim in first + second)


def test_an_expired_claim_is_taken_over_and_goes_on_with_its_attempt(backend: Backend):
    submit(backend, 1)
    (old,) = take(backend, "a")
    begin(backend, old)
    backend.clock.move(seconds=LEASE_SECONDS)
    assert take(backend, "b") == []
    backend.clock.move(seconds=1)

    (new,) = take(backend, "b")

    assert (new.resumed, new.attempt.number, new.job.state) == (True, 1, JobState.RUNNING)
    assert new.fencing_token > old.fencing_token
    for change in (renew, finish):
        with pytest.raises(LeaseLost):
            change(backend, old)
    finish(backend, new)


def renew(backend: Backend, claim: Claim) -> None:
    with backend.database.write() as transaction:
        claims.renew_claim(
            transaction,
            claim.job.id,
            claim.fencing_token,
            at=backend.clock(),
            lease_seconds=LEASE_SECONDS,
        )


def finish(backend: Backend, claim: Claim) -> None:
    backend.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0))


def test_a_renewed_claim_stays(backend: Backend):
    submit(backend, 1)
    (claim,) = take(backend, "a")
    backend.clock.move(seconds=LEASE_SECONDS)
    renew(backend, claim)
    backend.clock.move(seconds=LEASE_SECONDS)
    assert take(backend, "b") == []


def test_what_a_dead_owner_held_is_free_at_once(backend: Backend):
    submit(backend, 2)
    take(backend, "a", limit=1)
    take(backend, "b", limit=1)
    with backend.database.write() as transaction:
        assert claims.release_claims(transaction, "a") == 1
    (claim,) = take(backend, "c")
    assert (claim.job.id, claim.resumed) == (1, True)


def test_a_claim_after_an_ended_attempt_begins_a_new_one(backend: Backend):
    submit(backend, 1)
    (claim,) = take(backend, "a")
    begin(backend, claim)
    lost = Outcome(JobState.FAILED)
    with backend.database.write() as transaction:
        job_changes.update_attempt(transaction, 1, 1, phases=(), outcome=lost)
        claims.release_claims(transaction, "a")
    (again,) = take(backend, "a")
    assert (again.attempt.number, again.resumed) == (2, False)
    assert [attempt.number for attempt in backend.job(1).attempts] == [1, 2]


def test_a_job_that_waits_for_its_upload_or_has_ended_is_not_taken(backend: Backend):
    submit(backend, 1)
    (claim,) = take(backend, "a")
    begin(backend, claim)
    finish(backend, claim)
    backend.clock.move(seconds=timedelta(days=1).total_seconds())
    assert take(backend, "a") == []


def test_what_one_works_on_oneself_is_renewed_not_taken_again(backend: Backend) -> None:
    ids = submit(backend, 2)
    own, _ = take(backend, "a")
    backend.clock.move(seconds=LEASE_SECONDS + 1)
    with backend.database.write() as transaction:
        taken = claims.take_claims(
            transaction,
            "a",
            limit=10,
            at=backend.clock(),
            lease_seconds=LEASE_SECONDS,
            except_jobs=[own.job.id],
        )
    assert [claim.job.id for claim in taken] == ids[1:]
    renew(backend, own)


def test_a_running_job_is_taken_up_also_when_none_of_its_type_may_begin(backend: Backend) -> None:
    ids = submit(backend, 2)
    (running,) = take(backend, "a", limit=1)
    begin(backend, running)
    backend.clock.move(seconds=LEASE_SECONDS + 1)
    with backend.database.write() as transaction:
        taken = claims.take_claims(
            transaction,
            "b",
            limit=10,
            at=backend.clock(),
            lease_seconds=LEASE_SECONDS,
            types=(JobType.UPLOAD,),
        )
    assert [(claim.job.id, claim.resumed) for claim in taken] == [(ids[0], True)]
