"""What pending jobs wait for, on real rows and real sockets."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from au2.app.jobs.jobs import JobWaiting, RunOrder
from au2.app.uploads.package_begin import OpenUpload
from au2.domain.context import Context
from au2.domain.job import JobState, Outcome
from au2.domain.waiting import QueuePosition, Waiting, WaitingCode, explain_waiting
from au2.stores.notices.base import DISPATCHER, Notices
from au2.stores.notices.folder import FolderNotices
from tests.support.world import OPERATOR, World, creation

NEXT = QueuePosition(is_ready=True, is_taken=False, jobs_before=0, jobs_taken=0)


@pytest.mark.parametrize(
    ("position", "has_dispatcher", "code", "text"),
    [
        (replace(NEXT, is_ready=False), True, WaitingCode.UPLOAD, "Its upload is not complete"),
        (NEXT, False, WaitingCode.NO_DISPATCHER, "No dispatcher is running"),
        (replace(NEXT, is_taken=True), True, WaitingCode.PREPARING, "is unpacked."),
        (
            replace(NEXT, jobs_taken=4, jobs_before=1),
            True,
            WaitingCode.PLACES,
            "All 4 places are taken; 1 job is before it.",
        ),
        (
            replace(NEXT, jobs_taken=5),
            True,
            WaitingCode.PLACES,
            "All 4 places are taken; it is the next.",
        ),
        (
            replace(NEXT, jobs_taken=3, jobs_before=7),
            True,
            WaitingCode.JOBS_BEFORE,
            "7 jobs are before it.",
        ),
        (NEXT, True, WaitingCode.DISPATCHER, "The dispatcher is about to take it."),
    ],
)
def test_the_causes(
    position: QueuePosition, has_dispatcher: bool, code: WaitingCode, text: str
) -> None:
    found = explain_waiting(position, places=4, has_dispatcher=has_dispatcher)

    assert found.code is code
    assert text in found.text


def test_the_only_place() -> None:
    taken = explain_waiting(replace(NEXT, jobs_taken=1), places=1, has_dispatcher=True)

    assert taken.text == "The only place is taken; it is the next."


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


@pytest.fixture
def process(world: World, context: Context) -> str:
    made = world.process(context)
    world.version(made)
    return made


@pytest.fixture
def dispatcher(world: World) -> Iterator[Notices]:
    notices = FolderNotices(world.folder / "notices", DISPATCHER)
    yield notices
    notices.close()


def submit(world: World, context: Context, process: str) -> int:
    order = RunOrder(process)
    return world.services.jobs.submit_run(world.actor(OPERATOR), context, order).id


def find(world: World, job_id: int, places: int = 1) -> Waiting | None:
    waiting = JobWaiting(world.database, world.notices, places=places, clock=world.clock)
    return waiting.find(world.job(job_id))


def code(world: World, job_id: int, places: int = 1) -> WaitingCode | None:
    found = find(world, job_id, places)
    return None if found is None else found.code


def test_the_way_of_a_job(
    world: World, context: Context, process: str, dispatcher: Notices
) -> None:
    first, second, third = (submit(world, context, process) for _ in range(3))
    assert code(world, first) is WaitingCode.DISPATCHER
    waiting = find(world, third)
    assert waiting is not None
    assert (waiting.code, waiting.position.jobs_before) == (WaitingCode.JOBS_BEFORE, 2)

    claim = world.claim(first)  # takes all that are there

    assert code(world, first) is None, "it runs"
    assert code(world, second) is WaitingCode.PREPARING
    fourth = submit(world, context, process)
    waiting = find(world, fourth, places=3)
    assert waiting is not None
    assert (waiting.code, waiting.position.jobs_taken) == (WaitingCode.PLACES, 3)
    world.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0))
    assert code(world, fourth, places=3) is WaitingCode.DISPATCHER
    world.clock.move(hours=1)
    waiting = find(world, fourth, places=3)
    assert waiting is not None, "claims that nobody renewed count as jobs before it"
    assert waiting.position.jobs_before == 2


def test_without_a_dispatcher(
    world: World, context: Context, process: str, dispatcher: Notices
) -> None:
    job = submit(world, context, process)
    assert code(world, job) is WaitingCode.DISPATCHER

    dispatcher.close()

    assert code(world, job) is WaitingCode.NO_DISPATCHER


def test_an_upload_waits_for_its_contents(
    world: World, context: Context, process: str, dispatcher: Notices
) -> None:
    body = creation({"main.py": b"x"}, world.runtime(), name="new")
    begun = world.services.upload_starter.begin(world.actor(OPERATOR), context, body)
    assert isinstance(begun, OpenUpload)

    assert code(world, begun.upload.job_id) is WaitingCode.UPLOAD
    waiting = find(world, submit(world, context, process))
    assert waiting is not None
    assert waiting.position.jobs_before == 0, "nobody waits for what is not ready"


def test_others_jobs_count_and_are_not_named(
    world: World, context: Context, process: str, dispatcher: Notices
) -> None:
    elsewhere = world.organization("Other", None)
    hidden = world.process(elsewhere, "hidden")
    world.version(hidden)
    submit(world, elsewhere, hidden)

    waiting = find(world, submit(world, context, process))

    assert waiting is not None
    assert waiting.text == "1 job is before it."
