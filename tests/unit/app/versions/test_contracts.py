"""The contract that an image version is made with: checked before it is kept, kept when it runs."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.context import Context
from au2.domain.errors import InvalidRequest, NotFound, NotPermitted
from au2.domain.version import BuiltImage, Contract, ImageStatus
from au2.stores.database import versions
from tests.support.world import IMAGE, OPERATOR, World

SCHEMA: dict[str, Any] = {
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 7}},
    "required": ["city"],
}
CONTRACT = Contract({"LEVEL": "info", "DB": {"secret": "db"}}, SCHEMA, {"type": "object"})


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


def create(world: World, process: str, contract: Contract | None = None) -> int:
    made = world.services.versions.create_image_version(
        world.actor(OPERATOR), process, contract=contract
    )
    return made.number


def give_image(world: World, process: str, number: int, built: BuiltImage) -> None:
    for step in (ImageStatus.UPLOADING, ImageStatus.BUILDING, ImageStatus.AVAILABLE):
        with world.database.write() as transaction:
            present = versions.find_version(transaction, process, number)
            assert present is not None
            image = built if step is ImageStatus.AVAILABLE else None
            versions.change_image_status(transaction, present, step, image=image)


def find_contract(world: World, process: str, number: int) -> Contract:
    found = world.services.versions.get(world.actor(OPERATOR), process, number)
    return Contract(found.environment, found.args_schema, found.out_schema)


def test_an_imported_image_leaves_it_as_it_is(world: World, context: Context) -> None:
    process = world.process(context)
    number = create(world, process, CONTRACT)
    assert find_contract(world, process, number) == CONTRACT

    give_image(world, process, number, BuiltImage(IMAGE))

    assert find_contract(world, process, number) == CONTRACT


def test_a_built_package_brings_its_own(world: World, context: Context) -> None:
    process = world.process(context)
    number = create(world, process, CONTRACT)

    give_image(world, process, number, BuiltImage(IMAGE, Contract({"A": "b"})))

    assert find_contract(world, process, number) == Contract({"A": "b"})


def test_runs_are_held_to_it(world: World, context: Context) -> None:
    process = world.process(context)
    give_image(world, process, create(world, process, CONTRACT), BuiltImage(IMAGE))
    jobs, operator = world.services.jobs, world.actor(OPERATOR)

    with pytest.raises(InvalidRequest, match="do not match"):
        jobs.submit_run(operator, context, RunOrder(process, arguments={"days": 1}))
    with pytest.raises(InvalidRequest, match="secrets"):
        jobs.submit_run(operator, context, RunOrder(process, arguments={"city": "Bonn"}))
    world.services.secrets.create(operator, context, "db", value="v")
    job = jobs.submit_run(operator, context, RunOrder(process, arguments={"city": "Bonn"}))

    assert job.request is not None
    assert job.request.arguments == {"city": "Bonn", "days": 7}


def test_what_no_package_could_have_is_refused(world: World, context: Context) -> None:
    process = world.process(context)
    environment = {
        "AU_JOB": "x",
        "a/b=": {"secret": "db"},
        "a.b-c": {"secret": "db"},
        "d.e-f": "x",
        "C": {"secret": "d b"},
        "D": {"secret": "db", "more": "x"},
        "E": "\0",
    }
    wrong = Contract(environment, {"type": "string"}, {"properties": {"a": {"type": "number1"}}})

    with pytest.raises(InvalidRequest) as caught:
        create(world, process, wrong)

    assert [detail.pointer for detail in caught.value.details] == [
        "/args_schema/type",
        "/out_schema/properties/a/type",
        "/environment/AU_JOB",
        "/environment/E",
        "/environment/a~1b=",
        "/environment/C",
        "/environment/D",
    ]
    assert world.services.versions.list_versions(world.actor(OPERATOR), process) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"const": float("inf")},
        {"const": "\ud800"},
        {"$ref": "https://example.com/other"},
        {"$comment": "x" * (1 << 20)},
        {"enum": list(range(30_000))},
    ],
    ids=["infinite", "half-character", "outside", "large", "many"],
)
def test_hostile_schemas_are_refused(world: World, context: Context, schema: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        create(world, world.process(context), Contract(args_schema=schema))
    assert caught.value.details[0].pointer.startswith("/args_schema")


def test_who_may_not_is_told_so_before_anything_is_checked(world: World, context: Context) -> None:
    process = world.process(context)
    viewer = world.user("viewer@example.com", "viewer", context)
    wrong = Contract(args_schema={"type": "string"})
    service = world.services.versions
    with pytest.raises(NotPermitted):
        service.create_image_version(viewer, process, contract=wrong)
    foreign = world.user("foreign@example.com")
    with pytest.raises(NotFound):
        service.create_image_version(foreign, process, contract=wrong)
