"""What hints tell people to type can be typed as it stands."""

import shlex

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.uploads.image_versions import ensure_takes_image
from au2.domain.context import Context
from au2.domain.errors import Au2Error, Conflict, InvalidRequest, NotFound
from tests.support.world import OPERATOR, World

NAME = "weather in o'clock"
QUOTED = shlex.quote(NAME)


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


@pytest.fixture
def process(world: World, context: Context) -> str:
    return world.process(context, NAME)


def refusal(world: World, context: Context, order: RunOrder) -> Au2Error:
    with pytest.raises(Au2Error) as caught:
        world.services.jobs.submit_run(world.actor(OPERATOR), context, order)
    return caught.value


def test_a_process_without_an_image_says_how_it_gets_one(
    world: World, context: Context, process: str
) -> None:
    nothing = refusal(world, context, RunOrder(process))
    world.services.versions.create_image_version(world.actor(OPERATOR), process)
    empty = refusal(world, context, RunOrder(process))
    stated = refusal(world, context, RunOrder(process, 1))

    assert isinstance(nothing, Conflict)
    assert nothing.hint == "Upload a package: au2 process repo upload"
    upload = f"au2 process version upload --process {QUOTED} --ver 1 --stdin"
    assert empty.hint == f"Upload its image: docker save IMAGE | {upload}"
    assert stated.hint == empty.hint


def test_hints_hold_the_names_that_are_known(world: World, context: Context, process: str) -> None:
    schema = {"required": ["city"], "properties": {"city": {"type": "string"}}}
    number = world.version(process, args_schema=schema)
    there = world.services.processes.get(world.actor(OPERATOR), process)
    version = world.services.versions.get(world.actor(OPERATOR), process, number)

    missing = refusal(world, context, RunOrder(process, 7))
    wrong = refusal(world, context, RunOrder(process, number))
    foreign = refusal(world, context, RunOrder("5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11"))
    with pytest.raises(Conflict) as taken:
        ensure_takes_image(there, version)

    assert isinstance(missing, NotFound)
    assert missing.hint == f"See: au2 process version list {QUOTED}"
    assert isinstance(wrong, InvalidRequest)
    assert wrong.hint == f"See what it takes: au2 process args {QUOTED} --ver {number}"
    assert isinstance(foreign, NotFound)
    assert foreign.hint == "See: au2 process list"
    assert str(taken.value.hint).endswith(f": au2 process version create {QUOTED}")
