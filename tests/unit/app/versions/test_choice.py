"""Which version a run takes is decided and recorded where the job is made."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.job import Job
from au2.domain.version import ImageStatus
from au2.http.v1.views import view_job
from au2.wire.job import VersionChoiceView
from tests.support.world import OPERATOR, World

AVAILABLE, BUILDING, FAILED = ImageStatus.AVAILABLE, ImageStatus.BUILDING, ImageStatus.FAILED


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


def make(world: World, context: Context, *statuses: ImageStatus, published: int = 0) -> str:
    process = world.process(context)
    for status in statuses:
        world.version(process, status)
    if published:
        world.services.versions.publish(world.actor(OPERATOR), process, published)
    return process


def submit(world: World, context: Context, process: str, **fields: Any) -> Job:
    order = RunOrder(process, **fields)
    return world.services.jobs.submit_run(world.actor(OPERATOR), context, order)


def told(job: Job) -> tuple[int, str, str | None, list[tuple[int, str]]]:
    """What a caller over HTTP sees: version, rule, sentence, newer versions."""
    choice = view_job(job).version_choice
    assert isinstance(choice, VersionChoiceView)
    newer = [(version.version, version.image_status) for version in choice.newer]
    return job.version_number, choice.rule, choice.text, newer


def test_a_published_version_with_a_newer_one(world: World, context: Context) -> None:
    process = make(world, context, AVAILABLE, AVAILABLE, published=1)

    assert told(submit(world, context, process)) == (
        1,
        "published",
        "Runs version 1 (published); 2 is newer.",
        [(2, "AVAILABLE")],
    )
    latest = submit(world, context, process, latest=True)
    assert told(latest) == (2, "latest", None, [])
    assert told(submit(world, context, process, version=1)) == (1, "stated", None, [])


@pytest.mark.parametrize("status", [ImageStatus.UPLOADING, BUILDING, FAILED, ImageStatus.NONE])
def test_a_newest_version_without_an_image(
    world: World, context: Context, status: ImageStatus
) -> None:
    process = make(world, context, AVAILABLE, status)

    for latest in (False, True):
        number, _, text, newer = told(submit(world, context, process, latest=latest))
        assert (number, newer) == (1, [(2, status.value)])
        assert text is not None
        assert text.startswith("Runs version 1 (the newest that is AVAILABLE); 2 ")


def test_what_failed_long_ago_is_not_told(world: World, context: Context) -> None:
    process = make(world, context, AVAILABLE, FAILED, BUILDING, FAILED, AVAILABLE)

    assert told(submit(world, context, process)) == (5, "available", None, [])


def test_two_newer_ones_at_most_are_told(world: World, context: Context) -> None:
    statuses = [AVAILABLE, AVAILABLE, FAILED, AVAILABLE, FAILED, BUILDING]
    process = make(world, context, *statuses, published=1)

    _, _, text, newer = told(submit(world, context, process))

    assert newer == [(4, "AVAILABLE"), (6, "BUILDING")]
    assert text == "Runs version 1 (published); 4 is newer and 6 is being built."


def test_the_choice_is_in_the_record(world: World, context: Context) -> None:
    process = make(world, context, AVAILABLE, BUILDING)
    submitted = submit(world, context, process)
    world.version(process)

    assert told(world.job(submitted.id)) == told(submitted), "as of the submission"


def test_a_deleted_newer_version_is_not_there(world: World, context: Context) -> None:
    process = make(world, context, AVAILABLE, AVAILABLE, published=1)
    world.services.versions.delete(world.actor(OPERATOR), process, 2)

    assert told(submit(world, context, process)) == (1, "published", None, [])


def test_the_latest_or_a_version(world: World, context: Context) -> None:
    process = make(world, context, AVAILABLE)

    with pytest.raises(InvalidRequest):
        submit(world, context, process, version=1, latest=True)


def test_the_newest_that_was_uploaded_to(world: World, context: Context) -> None:
    operator, versions = world.actor(OPERATOR), world.services.versions
    process = make(world, context, ImageStatus.NONE)
    with pytest.raises(NotFound):
        versions.get_newest_upload(operator, process)
    for status in (AVAILABLE, FAILED, ImageStatus.NONE):
        world.version(process, status)

    assert versions.get_newest_upload(operator, process).number == 3
    assert versions.get_default(operator, process, latest=True).number == 2


def test_what_is_being_built_is_waited_for(world: World, context: Context) -> None:
    process = make(world, context, BUILDING)

    for version in (None, 1):
        with pytest.raises(Conflict) as caught:
            submit(world, context, process, version=version)
        assert "--ver 1 --wait-for-build" in (caught.value.hint or "")
