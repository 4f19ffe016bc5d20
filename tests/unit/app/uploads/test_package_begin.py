"""Which process an upload belongs to, also when several begin at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest

from au2.app.uploads.package_begin import OpenUpload, PackageComparison
from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from tests.support.servers.backend import OPERATOR, Backend, creation

AT_ONCE = 12


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def begin(backend: Backend, context: Context, **fields: Any) -> OpenUpload:
    body = creation({"main.py": b"print()"}, backend.runtime(), **fields)
    begun = backend.services.upload_starter.begin(backend.actor(OPERATOR), context, body)
    assert isinstance(begun, OpenUpload)
    return begun


def names(backend: Backend, context: Context) -> list[str]:
    found = backend.services.processes.list_processes(backend.actor(OPERATOR), context)
    return [process.name for process in found]


def test_of_many_first_uploads_at_once_one_makes_the_process(backend: Backend, context: Context):
    operator, start = backend.actor(OPERATOR), Barrier(AT_ONCE)
    body = creation({"main.py": b"print()"}, backend.runtime(), name="hello")

    def upload(_: int) -> OpenUpload | PackageComparison:
        start.wait()
        return backend.services.upload_starter.begin(operator, context, body)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        begun = list(threads.map(upload, range(AT_ONCE)))

    opened = [found.upload for found in begun if isinstance(found, OpenUpload)]
    assert names(backend, context) == ["hello"]
    assert sorted(upload.version_number for upload in opened) == list(range(1, AT_ONCE + 1))
    assert len({upload.process_id for upload in opened}) == 1


def test_a_process_made_after_the_look_gets_the_version(backend: Backend, context: Context):
    """The choice in the writing transaction counts, not the one before it."""
    opening = backend.services.upload_starter
    operator = backend.actor(OPERATOR)
    body = creation({"main.py": b"print()"}, backend.runtime(), name="hello")
    assert opening.compare(operator, context, body).process_id is None
    made = backend.process(context, "hello")

    assert begin(backend, context, name=" hello ").upload.process_id == made


def test_each_upload_by_name_is_bound_to_what_has_the_name_then(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    first = begin(backend, context).upload
    processes = backend.services.processes

    processes.update(operator, first.process_id, name="renamed")
    second = begin(backend, context).upload
    backend.services.uploads.abandon(operator, second.id, second.fencing_token)
    processes.delete(operator, second.process_id)
    third = begin(backend, context).upload

    assert len({first.process_id, second.process_id, third.process_id}) == 3
    assert names(backend, context) == ["hello", "renamed"]


def test_namesakes_are_allowed_but_no_upload_guesses(backend: Backend, context: Context):
    made = [backend.process(context, "hello")]
    backend.clock.move(seconds=1)  # Of the same moment, the id decides the order.
    made.append(backend.process(context, "hello"))

    with pytest.raises(Conflict, match="2 processes are named 'hello'") as caught:
        begin(backend, context)

    assert [detail.message for detail in caught.value.details] == made
    assert "--new" in (caught.value.hint or "")
    assert begin(backend, context, process=made[1], name=None).upload.process_id == made[1]
    assert begin(backend, context, new=True).upload.process_id not in made


def test_a_namesake_of_the_organization_stays_as_it_is(backend: Backend, context: Context):
    above = backend.process(Context(context.organization_id), "hello")

    assert begin(backend, context).upload.process_id != above


def test_what_was_agreed_to_is_what_happens(backend: Backend, context: Context):
    first = begin(backend, context, expected_process="none").upload

    with pytest.raises(Conflict, match=f"now it is {first.process_id}") as caught:
        begin(backend, context, expected_process="none")
    assert caught.value.hint == "Try again."
    assert begin(backend, context, expected_process=first.process_id).upload.version_number == 2

    operator = backend.actor(OPERATOR)
    backend.services.processes.update(operator, first.process_id, name="renamed")
    with pytest.raises(Conflict, match="there is none now"):
        begin(backend, context, expected_process=first.process_id)
    assert names(backend, context) == ["renamed"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"name": "hello", "process": "eadf98c2-8e85-46ae-b81a-640d9d326109"},
        {"name": None, "process": "eadf98c2-8e85-46ae-b81a-640d9d326109", "new": True},
        {
            "name": None,
            "process": "eadf98c2-8e85-46ae-b81a-640d9d326109",
            "expected_process": "none",
        },
        {"name": " "},
    ],
)
def test_what_names_no_process(backend: Backend, context: Context, fields: dict[str, Any]):
    with pytest.raises(InvalidRequest):
        begin(backend, context, **fields)
    assert names(backend, context) == []


def test_a_process_that_is_gone_is_not_made_again(backend: Backend, context: Context):
    gone = backend.process(context)
    backend.services.processes.delete(backend.actor(OPERATOR), gone)

    with pytest.raises(NotFound):
        begin(backend, context, process=gone, name=None)
    assert names(backend, context) == []


def test_who_may_not_upload_learns_no_name(backend: Backend, context: Context):
    backend.process(context, "hello")
    viewer = backend.user("viewer@example.com", "viewer", context)
    body = creation({"main.py": b"print()"}, backend.runtime())

    with pytest.raises(NotPermitted):
        backend.services.upload_starter.begin(viewer, context, body)


@pytest.mark.slow
def test_uploads_renames_and_deletions_at_once_mix_nothing(backend: Backend, context: Context):
    """Whatever happens in between, one process at most has the name, and each version one place."""
    operator, services = backend.actor(OPERATOR), backend.services
    body = creation({"main.py": b"print()"}, backend.runtime(), name="hello")
    begun: list[tuple[str, int]] = []

    def upload(_: int) -> None:
        found = services.upload_starter.begin(operator, context, body)
        assert isinstance(found, OpenUpload)
        begun.append((found.upload.process_id, found.upload.version_number))
        assert names(backend, context).count("hello") <= 1
        services.uploads.abandon(operator, found.upload.id, found.upload.fencing_token)

    def disturb(turn: int) -> None:
        for process in services.processes.list_processes(operator, context, name="hello"):
            # Another thread may have been quicker, or an upload to it may be under way.
            with suppress(NotFound, Conflict):
                if turn % 2:
                    services.processes.update(operator, process.id, name=f"renamed {turn}")
                else:
                    services.processes.delete(operator, process.id)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        works = [threads.submit(upload if turn % 3 else disturb, turn) for turn in range(90)]
        for work in works:
            work.result()

    assert len(set(begun)) == len(begun) == 60
    assert names(backend, context).count("hello") <= 1
