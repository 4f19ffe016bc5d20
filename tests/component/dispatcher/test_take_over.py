"""Jobs whose dispatcher stops, disappears or loses its claim."""

from au2.domain.jobs.job import JobState, Reason
from au2.engines.fake.program import Exit, Print, Wait
from au2.stores.database.claims import release_claims, take_claims
from tests.support.servers.dispatching import Installation
from tests.support.waiting import wait_until

HALVES = (Print(b"one\n"), Wait(), Print(b"two\n"))


def test_the_next_dispatcher_goes_on_with_a_running_job(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.submit(*HALVES)
        installation.wait_for_line(job, "one")
    assert installation.job(job).state is JobState.RUNNING
    with installation.dispatching():
        installation.resume(job)
        ended = installation.wait_for_end(job)
    assert (ended.state, len(ended.attempts)) == (JobState.SUCCEEDED, 1)
    assert installation.lines(job) == ["one", "two"]


def test_an_end_between_two_dispatchers_is_found(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.submit(*HALVES, Exit(5))
        installation.wait_for_line(job, "one")
    installation.resume(job)
    with installation.dispatching():
        ended = installation.wait_for_end(job)
    assert (ended.reason, ended.exit_code) == (Reason.EXIT_CODE, 5)
    assert installation.lines(job) == ["one", "two"]


def test_a_container_lost_between_two_dispatchers_is_told(installation: Installation) -> None:
    with installation.dispatching():
        job = installation.submit(*HALVES)
        installation.wait_for_line(job, "one")
    installation.engine.remove(f"job-{job}-1")
    with installation.dispatching():
        ended = installation.wait_for_end(job)
    assert (ended.state, ended.reason) == (JobState.FAILED, Reason.ENGINE_LOST)
    assert installation.lines(job)[0] == "one"


def test_a_dispatcher_that_lost_its_claim_leaves_the_job_alone(
    installation: Installation,
) -> None:
    """Its fencing token is older than the one of whoever claimed the job meanwhile."""
    backend = installation.backend
    with installation.dispatching():
        job = installation.submit(*HALVES)
        installation.wait_for_line(job, "one")
        with backend.database.write() as transaction:
            release_claims(transaction, "dispatcher")
            (claim,) = take_claims(
                transaction, "another", limit=1, at=backend.clock(), lease_seconds=3600
            )
        assert (claim.job.id, claim.fencing_token, claim.resumed) == (job, 2, True)
        installation.resume(job)
        wait_until(lambda: installation.engine.observe(f"job-{job}-1").exit_code == 0)
        other = installation.submit()
        installation.wait_for_end(other)
    assert installation.job(job).state is JobState.RUNNING
    assert f"job-{job}-1" in list(installation.engine.list_containers())
    with backend.database.write() as transaction:
        release_claims(transaction, "another")
    with installation.dispatching("another"):
        assert installation.wait_for_end(job).state is JobState.SUCCEEDED
    assert installation.lines(job) == ["one", "two"]


def test_pending_jobs_wait_for_a_dispatcher(installation: Installation) -> None:
    submitted = [installation.submit(Print(b"%d\n" % number)) for number in range(3)]
    with installation.dispatching():
        ended = [installation.wait_for_end(job) for job in submitted]
    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    assert [installation.lines(job) for job in submitted] == [["0"], ["1"], ["2"]]
