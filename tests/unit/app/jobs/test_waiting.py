"""What pending jobs wait for, on real rows and real sockets."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from au2.app.jobs.jobs import JobWaiting, RunOrder
from au2.app.uploads.package_begin import OpenUpload
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, Outcome
from au2.domain.jobs.waiting import QueuePosition, Waiting, WaitingCode, explain_waiting
from au2.stores.notices import DISPATCHER, FolderNotices, Notices
from tests.support.servers.backend import OPERATOR, Backend, creation

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
def context(backend: Backend) -> Context:
    return backend.organization()


@pytest.fixture
def process(backend: Backend, context: Context) -> str:
    made = backend.process(context)
    backend.version(made)
    return made


@pytest.fixture
def dispatcher(backend: Backend) -> Iterator[Notices]:
    notices = FolderNotices(backend.folder / "notices", DISPATCHER)
    yield notices
    notices.close()


def submit(backend: Backend, context: Context, process: str) -> int:
    order = RunOrder(process)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, order).id


def find(backend: Backend, job_id: int, places: int = 1) -> Waiting | None:
    waiting = JobWaiting(backend.database, backend.notices, places=places, clock=backend.clock)
    return waiting.find(backend.job(job_id))


def code(backend: Backend, job_id: int, places: int = 1) -> WaitingCode | None:
    found = find(backend, job_id, places)
    return None if found is None else found.code


def test_the_way_of_a_job(
    backend: Backend, context: Context, process: str, dispatcher: Notices
) -> None:
    first, second, third = (submit(backend, context, process) for _ in range(3))
    assert code(backend, first) is WaitingCode.DISPATCHER
    waiting = find(backend, third)
    assert waiting is not None
    assert (waiting.code, waiting.position.jobs_before) == (WaitingCode.JOBS_BEFORE, 2)

    claim = backend.claim(first)  # takes all that are there

    assert code(backend, first) is None, "it runs"
    assert code(backend, second) is WaitingCode.PREPARING
    fourth = submit(backend, context, process)
    waiting = find(backend, fourth, places=3)
    assert waiting is not None
    assert (waiting.code, waiting.position.jobs_taken) == (WaitingCode.PLACES, 3)
    backend.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0))
    assert code(backend, fourth, places=3) is WaitingCode.DISPATCHER
    backend.clock.move(hours=1)
    waiting = find(backend, fourth, places=3)
    assert waiting is not None, "claims that nobody renewed count as jobs before it"
    assert waiting.position.jobs_before == 2


def test_without_a_dispatcher(
    backend: Backend, context: Context, process: str, dispatcher: Notices
) -> None:
    job = submit(backend, context, process)
    assert code(backend, job) is WaitingCode.DISPATCHER

    dispatcher.close()

    assert code(backend, job) is WaitingCode.NO_DISPATCHER


def test_an_upload_waits_for_its_contents(
    backend: Backend, context: Context, process: str, dispatcher: Notices
) -> None:
    body = creation({"main.py": b"x"}, backend.runtime(), name="new")
    begun = backend.services.upload_starter.begin(backend.actor(OPERATOR), context, body)
    assert isinstance(begun, OpenUpload)

    assert code(backend, begun.upload.job_id) is WaitingCode.UPLOAD
    waiting = find(backend, submit(backend, context, process))
    assert waiting is not None
    assert waiting.position.jobs_before == 0, "nobody waits for what is not ready"


def test_others_jobs_count_and_are_not_named(
    backend: Backend, context: Context, process: str, dispatcher: Notices
) -> None:
    elsewhere = backend.organization("Other", None)
    hidden = backend.process(elsewhere, "hidden")
    backend.version(hidden)
    submit(backend, elsewhere, hidden)

    waiting = find(backend, submit(backend, context, process))

    assert waiting is not None
    assert waiting.text == "1 job is before it."
