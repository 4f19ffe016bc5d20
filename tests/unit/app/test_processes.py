from dataclasses import replace

import pytest

from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.processes.version import ImageStatus
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def test_names_are_not_unique_and_lists_look_upward(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    above = Context(context.organization_id)
    first, second = backend.process(context, "same"), backend.process(above, "same")

    def ids(where: Context) -> set[str]:
        found = backend.services.processes.list_processes(operator, where, name="same")
        return {process.id for process in found}

    assert ids(context) == {first, second}
    assert ids(above) == {second}


def test_only_what_is_given_changes(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    made = backend.services.processes.create(
        operator, context, " hello ", description="**x**", tags=["a", "b", "a"]
    )
    assert (made.name, made.tags) == ("hello", ("a", "b"))
    backend.clock.move(hours=1)

    changed = backend.services.processes.update(operator, made.id.upper(), tags=["c"])

    assert (changed.name, changed.description, changed.tags) == ("hello", "**x**", ("c",))
    assert changed.updated_at == backend.clock()
    found = backend.services.processes.list_processes(operator, context, tag="c")
    assert [process.id for process in found] == [made.id]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "a\nb"},
        {"name": "x" * 201},
        {"name": "a", "description": "\0"},
        {"name": "a", "tags": [""]},
        {"name": "a", "tags": ["x" * 101]},
        {"name": "a", "tags": [str(number) for number in range(51)]},
    ],
)
def test_what_can_t_be_written(backend: Backend, context: Context, fields: dict):
    with pytest.raises(InvalidRequest):
        backend.services.processes.create(backend.actor(OPERATOR), context, **fields)


def test_a_deleted_process_is_not_there(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    process = backend.process(context)
    backend.services.processes.delete(operator, process)
    with pytest.raises(NotFound):
        backend.services.processes.get(operator, process)
    with pytest.raises(NotFound):
        backend.services.versions.list_versions(operator, process)


def test_a_process_in_use_is_not_deleted(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    process = backend.process(context)
    number = backend.version(process)
    backend.services.versions.publish(operator, process, number)
    with pytest.raises(Conflict, match="published"):
        backend.services.processes.delete(operator, process)
    backend.services.versions.unpublish(operator, process, number)
    backend.version(process, ImageStatus.BUILDING)
    with pytest.raises(Conflict, match="being made"):
        backend.services.processes.delete(operator, process)


def test_version_numbers_are_not_given_again(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    process = backend.process(context)
    assert [backend.version(process) for _ in range(3)] == [1, 2, 3]
    backend.services.versions.delete(operator, process, 3)
    assert backend.version(process) == 4
    listed = backend.services.versions.list_versions(operator, process)
    assert [version.number for version in listed] == [1, 2, 4]


@pytest.mark.parametrize("status", [status for status in ImageStatus if status != "AVAILABLE"])
def test_publishing_needs_an_image(backend: Backend, context: Context, status: ImageStatus):
    process = backend.process(context)
    number = backend.version(process, status)
    with pytest.raises(Conflict, match=status):
        backend.services.versions.publish(backend.actor(OPERATOR), process, number)


def test_the_description_of_a_version_is_changed(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    process = backend.process(context)
    number = backend.version(process)
    before = backend.services.versions.get(operator, process, number)

    changed = backend.services.versions.update(operator, process, number, description="faster ü")

    assert changed == replace(before, description="faster ü")
    with pytest.raises(InvalidRequest):
        backend.services.versions.update(operator, process, number, description="a\0b")
    assert backend.services.versions.get(operator, process, number) == changed


def test_publishing_says_who_and_when(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    process = backend.process(context)
    number = backend.version(process)
    published = backend.services.versions.publish(operator, process, number)
    backend.clock.move(hours=1)
    again = backend.services.versions.publish(operator, process, number)
    assert again == published
    assert published.published_by == OPERATOR
    with pytest.raises(Conflict, match="published"):
        backend.services.versions.delete(operator, process, number)
    back = backend.services.versions.unpublish(operator, process, number)
    assert (back.published_at, back.published_by) == (None, None)
    assert backend.services.versions.unpublish(operator, process, number) == back


@pytest.mark.parametrize("status", [ImageStatus.UPLOADING, ImageStatus.BUILDING])
def test_a_version_that_is_being_made_is_not_deleted(
    backend: Backend, context: Context, status: ImageStatus
):
    process = backend.process(context)
    number = backend.version(process, status)
    with pytest.raises(Conflict, match="being made"):
        backend.services.versions.delete(backend.actor(OPERATOR), process, number)


@pytest.mark.parametrize("number", [0, -1, 2, 2**31, 2**80])
def test_a_number_that_is_none(backend: Backend, context: Context, number: int):
    process = backend.process(context)
    backend.version(process)
    with pytest.raises(NotFound):
        backend.services.versions.get(backend.actor(OPERATOR), process, number)
