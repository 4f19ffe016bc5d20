"""What hints tell people to type can be typed as it stands."""

import shlex

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.uploads.image_versions import ensure_accepts_image
from au2.domain.accounts.context import Context
from au2.domain.errors import Au2Error, Conflict, InvalidRequest, NotFound
from tests.support.servers.backend import OPERATOR, Backend

NAME = "weather in o'clock"
QUOTED = shlex.quote(NAME)


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


@pytest.fixture
def process(backend: Backend, context: Context) -> str:
    return backend.process(context, NAME)


def refusal(backend: Backend, context: Context, order: RunOrder) -> Au2Error:
    with pytest.raises(Au2Error) as caught:
        backend.services.jobs.submit_run(backend.actor(OPERATOR), context, order)
    return caught.value


def test_a_process_without_an_image_says_how_it_gets_one(
    backend: Backend, context: Context, process: str
) -> None:
    nothing = refusal(backend, context, RunOrder(process))
    backend.services.versions.create_image_version(backend.actor(OPERATOR), process)
    empty = refusal(backend, context, RunOrder(process))
    stated = refusal(backend, context, RunOrder(process, 1))

    assert isinstance(nothing, Conflict)
    assert nothing.hint == "Upload a package: au2 process repo upload"
    upload = f"au2 process version upload --process {QUOTED} --ver 1 --stdin"
    assert empty.hint == f"Upload its image: docker save IMAGE | {upload}"
    assert stated.hint == empty.hint


def test_hints_hold_the_names_that_are_known(
    backend: Backend, context: Context, process: str
) -> None:
    schema = {"required": ["city"], "properties": {"city": {"type": "string"}}}
    number = backend.version(process, args_schema=schema)
    there = backend.services.processes.get(backend.actor(OPERATOR), process)
    version = backend.services.versions.get(backend.actor(OPERATOR), process, number)

    missing = refusal(backend, context, RunOrder(process, 7))
    wrong = refusal(backend, context, RunOrder(process, number))
    foreign = refusal(backend, context, RunOrder("5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11"))
    with pytest.raises(Conflict) as taken:
        ensure_accepts_image(there, version)

    assert isinstance(missing, NotFound)
    assert missing.hint == f"See: au2 process version list {QUOTED}"
    assert isinstance(wrong, InvalidRequest)
    assert wrong.hint == f"See what it takes: au2 process args {QUOTED} --ver {number}"
    assert isinstance(foreign, NotFound)
    assert foreign.hint == "See: au2 process list"
    assert str(taken.value.hint).endswith(f": au2 process version create {QUOTED}")
