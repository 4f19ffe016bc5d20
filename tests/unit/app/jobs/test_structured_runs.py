"""Arguments of processes with a schema."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.errors import CheckTooCostly, InvalidRequest
from au2.domain.jobs.job import Job
from au2.stores.database.job_lists import JobFilter
from tests.support.servers.backend import OPERATOR, Backend

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "default": 7},
        "at": {"format": "date"},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def submit(backend: Backend, context: Context, schema: dict[str, Any], arguments: Any) -> Job:
    process = backend.process(context)
    backend.version(process, args_schema=schema)
    order = RunOrder(process, arguments=arguments)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, order)


def count_jobs(backend: Backend, context: Context) -> int:
    found = backend.services.jobs.list_jobs(backend.actor(OPERATOR), context, JobFilter(), limit=10)
    return len(found)


def test_defaults_are_filled_in(backend: Backend, context: Context):
    given = {"city": "Bonn"}
    job = submit(backend, context, SCHEMA, given)
    assert backend.job(job.id).request.arguments == {"city": "Bonn", "days": 7}
    assert job.request.arguments == {"city": "Bonn", "days": 7}
    assert given == {"city": "Bonn"}


def test_nothing_is_made_of_arguments_that_do_not_match(backend: Backend, context: Context):
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, SCHEMA, {"days": 0, "at": "x", "a/b": 1})
    assert {detail.pointer for detail in caught.value.details} == {
        "/arguments",
        "/arguments/days",
        "/arguments/at",
        "/arguments/a~1b",
    }
    assert caught.value.hint is not None
    assert count_jobs(backend, context) == 0


def test_each_version_has_its_own_schema(backend: Backend, context: Context):
    process = backend.process(context)
    backend.version(process, args_schema=SCHEMA)
    backend.version(process)
    jobs, operator = backend.services.jobs, backend.actor(OPERATOR)
    assert jobs.submit_run(operator, context, RunOrder(process, arguments={"x": 1})).id
    with pytest.raises(InvalidRequest):
        jobs.submit_run(operator, context, RunOrder(process, version=1, arguments={"x": 1}))


@pytest.mark.slow
def test_a_check_without_end_is_refused(backend: Backend, context: Context):
    definitions: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(12)
    }
    definitions |= {"a12": {"properties": {"a": {"$ref": "#"}}}}
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"a": deep}
    with pytest.raises(CheckTooCostly):
        submit(backend, context, {"$ref": "#/$defs/a0", "$defs": definitions}, deep)
    assert count_jobs(backend, context) == 0


def test_the_default_version(backend: Backend, context: Context):
    process = backend.process(context)
    backend.version(process, args_schema=SCHEMA)
    backend.version(process)
    versions, operator = backend.services.versions, backend.actor(OPERATOR)
    assert versions.get_default(operator, process).number == 2
    versions.publish(operator, process, 1)
    assert versions.get_default(operator, process).args_schema == SCHEMA
