import pytest

from au2.domain.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.version import ImageStatus
from tests.support.world import OPERATOR, World


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


def test_names_are_not_unique_and_lists_look_upward(world: World, context: Context):
    operator = world.actor(OPERATOR)
    above = Context(context.organization_id)
    first, second = world.process(context, "same"), world.process(above, "same")

    def ids(where: Context) -> set[str]:
        found = world.services.processes.list_processes(operator, where, name="same")
        return {process.id for process in found}

    assert ids(context) == {first, second}
    assert ids(above) == {second}


def test_only_what_is_given_changes(world: World, context: Context):
    operator = world.actor(OPERATOR)
    made = world.services.processes.create(
        operator, context, " hello ", description="**x**", tags=["a", "b", "a"]
    )
    assert (made.name, made.tags) == ("hello", ("a", "b"))
    world.clock.move(hours=1)

    changed = world.services.processes.update(operator, made.id.upper(), tags=["c"])

    assert (changed.name, changed.description, changed.tags) == ("hello", "**x**", ("c",))
    assert changed.updated_at == world.clock()
    found = world.services.processes.list_processes(operator, context, tag="c")
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
def test_what_can_t_be_written(world: World, context: Context, fields: dict):
    with pytest.raises(InvalidRequest):
        world.services.processes.create(world.actor(OPERATOR), context, **fields)


def test_a_deleted_process_is_not_there(world: World, context: Context):
    operator = world.actor(OPERATOR)
    process = world.process(context)
    world.services.processes.delete(operator, process)
    with pytest.raises(NotFound):
        world.services.processes.get(operator, process)
    with pytest.raises(NotFound):
        world.services.versions.list_versions(operator, process)


def test_a_process_in_use_is_not_deleted(world: World, context: Context):
    operator = world.actor(OPERATOR)
    process = world.process(context)
    number = world.version(process)
    world.services.versions.publish(operator, process, number)
    with pytest.raises(Conflict, match="published"):
        world.services.processes.delete(operator, process)
    world.services.versions.unpublish(operator, process, number)
    world.version(process, ImageStatus.BUILDING)
    with pytest.raises(Conflict, match="being made"):
        world.services.processes.delete(operator, process)


def test_version_numbers_are_not_given_again(world: World, context: Context):
    operator = world.actor(OPERATOR)
    process = world.process(context)
    assert [world.version(process) for _ in range(3)] == [1, 2, 3]
    world.services.versions.delete(operator, process, 3)
    assert world.version(process) == 4
    listed = world.services.versions.list_versions(operator, process)
    assert [version.number for version in listed] == [1, 2, 4]


@pytest.mark.parametrize("status", [status for status in ImageStatus if status != "AVAILABLE"])
def test_publishing_needs_an_image(world: World, context: Context, status: ImageStatus):
    process = world.process(context)
    number = world.version(process, status)
    with pytest.raises(Conflict, match=status):
        world.services.versions.publish(world.actor(OPERATOR), process, number)


def test_publishing_says_who_and_when(world: World, context: Context):
    operator = world.actor(OPERATOR)
    process = world.process(context)
    number = world.version(process)
    published = world.services.versions.publish(operator, process, number)
    world.clock.move(hours=1)
    again = world.services.versions.publish(operator, process, number)
    assert again == published
    assert published.published_by == OPERATOR
    with pytest.raises(Conflict, match="published"):
        world.services.versions.delete(operator, process, number)
    back = world.services.versions.unpublish(operator, process, number)
    assert (back.published_at, back.published_by) == (None, None)
    assert world.services.versions.unpublish(operator, process, number) == back


@pytest.mark.parametrize("status", [ImageStatus.UPLOADING, ImageStatus.BUILDING])
def test_a_version_that_is_being_made_is_not_deleted(
    world: World, context: Context, status: ImageStatus
):
    process = world.process(context)
    number = world.version(process, status)
    with pytest.raises(Conflict, match="being made"):
        world.services.versions.delete(world.actor(OPERATOR), process, number)


@pytest.mark.parametrize("number", [0, -1, 2, 2**31, 2**80])
def test_a_number_that_is_none(world: World, context: Context, number: int):
    process = world.process(context)
    world.version(process)
    with pytest.raises(NotFound):
        world.services.versions.get(world.actor(OPERATOR), process, number)
