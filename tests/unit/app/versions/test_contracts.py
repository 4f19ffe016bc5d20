"""The contract that an image version is made with: checked before it is kept, kept when it runs."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidRequest, NotFound, NotPermitted
from au2.domain.processes.version import BuiltImage, Contract, ImageStatus
from au2.stores.database import versions
from tests.support.servers.backend import IMAGE, OPERATOR, Backend

SCHEMA: dict[str, Any] = {
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 7}},
    "required": ["city"],
}
CONTRACT = Contract({"LEVEL": "info", "DB": {"secret": "db"}}, SCHEMA, {"type": "object"})


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def create(backend: Backend, process: str, contract: Contract | None = None) -> int:
    made = backend.services.versions.create_image_version(
        backend.actor(OPERATOR), process, contract=contract
    )
    return made.number


def give_image(backend: Backend, process: str, number: int, built: BuiltImage) -> None:
    for step in (ImageStatus.UPLOADING, ImageStatus.BUILDING, ImageStatus.AVAILABLE):
        with backend.database.write() as transaction:
            present = versions.find_version(transaction, process, number)
            assert present is not None
            image = built if step is ImageStatus.AVAILABLE else None
            versions.change_image_status(transaction, present, step, image=image)


def find_contract(backend: Backend, process: str, number: int) -> Contract:
    found = backend.services.versions.get(backend.actor(OPERATOR), process, number)
    return Contract(found.environment, found.args_schema, found.out_schema)


def test_an_imported_image_leaves_it_as_it_is(backend: Backend, context: Context) -> None:
    process = backend.process(context)
    number = create(backend, process, CONTRACT)
    assert find_contract(backend, process, number) == CONTRACT

    give_image(backend, process, number, BuiltImage(IMAGE))

    assert find_contract(backend, process, number) == CONTRACT


def test_a_built_package_brings_its_own(backend: Backend, context: Context) -> None:
    process = backend.process(context)
    number = create(backend, process, CONTRACT)

    give_image(backend, process, number, BuiltImage(IMAGE, Contract({"A": "b"})))

    assert find_contract(backend, process, number) == Contract({"A": "b"})


def test_runs_are_held_to_it(backend: Backend, context: Context) -> None:
    process = backend.process(context)
    give_image(backend, process, create(backend, process, CONTRACT), BuiltImage(IMAGE))
    jobs, operator = backend.services.jobs, backend.actor(OPERATOR)

    with pytest.raises(InvalidRequest, match="do not match"):
        jobs.submit_run(operator, context, RunOrder(process, arguments={"days": 1}))
    with pytest.raises(InvalidRequest, match="secrets"):
        jobs.submit_run(operator, context, RunOrder(process, arguments={"city": "Bonn"}))
    backend.services.secrets.create(operator, context, "db", value="v")
    job = jobs.submit_run(operator, context, RunOrder(process, arguments={"city": "Bonn"}))

    assert job.request is not None
    assert job.request.arguments == {"city": "Bonn", "days": 7}


def test_what_no_package_could_have_is_refused(backend: Backend, context: Context) -> None:
    process = backend.process(context)
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
        create(backend, process, wrong)

    assert [detail.pointer for detail in caught.value.details] == [
        "/args_schema/type",
        "/out_schema/properties/a/type",
        "/environment/AU_JOB",
        "/environment/E",
        "/environment/a~1b=",
        "/environment/C",
        "/environment/D",
    ]
    assert backend.services.versions.list_versions(backend.actor(OPERATOR), process) == []


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
def test_hostile_schemas_are_refused(backend: Backend, context: Context, schema: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        create(backend, backend.process(context), Contract(args_schema=schema))
    assert caught.value.details[0].pointer.startswith("/args_schema")


def test_who_may_not_is_told_so_before_anything_is_checked(
    backend: Backend, context: Context
) -> None:
    process = backend.process(context)
    viewer = backend.user("viewer@example.com", "viewer", context)
    wrong = Contract(args_schema={"type": "string"})
    service = backend.services.versions
    with pytest.raises(NotPermitted):
        service.create_image_version(viewer, process, contract=wrong)
    foreign = backend.user("foreign@example.com")
    with pytest.raises(NotFound):
        service.create_image_version(foreign, process, contract=wrong)
