"""Which version a run takes is decided and recorded where the job is made."""

from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.jobs.job import Job
from au2.domain.processes.version import ImageStatus
from au2.http.v1.views import view_job
from au2.wire.job import VersionChoiceView
from tests.support.servers.backend import OPERATOR, Backend

AVAILABLE, BUILDING, FAILED = ImageStatus.AVAILABLE, ImageStatus.BUILDING, ImageStatus.FAILED


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def make(backend: Backend, context: Context, *statuses: ImageStatus, published: int = 0) -> str:
    process = backend.process(context)
    for status in statuses:
        backend.version(process, status)
    if published:
        backend.services.versions.publish(backend.actor(OPERATOR), process, published)
    return process


def submit(backend: Backend, context: Context, process: str, **fields: Any) -> Job:
    order = RunOrder(process, **fields)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, order)


def told(job: Job) -> tuple[int, str, str | None, list[tuple[int, str]]]:
    """What a caller over HTTP sees: version, rule, sentence, newer versions."""
    choice = view_job(job).version_choice
    assert isinstance(choice, VersionChoiceView)
    newer = [(version.version, version.image_status) for version in choice.newer]
    return job.version_number, choice.rule, choice.text, newer


def test_a_published_version_with_a_newer_one(backend: Backend, context: Context) -> None:
    process = make(backend, context, AVAILABLE, AVAILABLE, published=1)

    assert told(submit(backend, context, process)) == (
        1,
        "published",
        "Runs version 1 (published); 2 is newer.",
        [(2, "AVAILABLE")],
    )
    latest = submit(backend, context, process, latest=True)
    assert told(latest) == (2, "latest", None, [])
    assert told(submit(backend, context, process, version=1)) == (1, "stated", None, [])


@pytest.mark.parametrize("status", [ImageStatus.UPLOADING, BUILDING, FAILED, ImageStatus.NONE])
def test_a_newest_version_without_an_image(
    backend: Backend, context: Context, status: ImageStatus
) -> None:
    process = make(backend, context, AVAILABLE, status)

    for latest in (False, True):
        number, _, text, newer = told(submit(backend, context, process, latest=latest))
        assert (number, newer) == (1, [(2, status.value)])
        assert text is not None
        assert text.startswith("Runs version 1 (the newest that is AVAILABLE); 2 ")


def test_what_failed_long_ago_is_not_told(backend: Backend, context: Context) -> None:
    process = make(backend, context, AVAILABLE, FAILED, BUILDING, FAILED, AVAILABLE)

    assert told(submit(backend, context, process)) == (5, "available", None, [])


def test_two_newer_ones_at_most_are_told(backend: Backend, context: Context) -> None:
    statuses = [AVAILABLE, AVAILABLE, FAILED, AVAILABLE, FAILED, BUILDING]
    process = make(backend, context, *statuses, published=1)

    _, _, text, newer = told(submit(backend, context, process))

    assert newer == [(4, "AVAILABLE"), (6, "BUILDING")]
    assert text == "Runs version 1 (published); 4 is newer and 6 is being built."


def test_the_choice_is_in_the_record(backend: Backend, context: Context) -> None:
    process = make(backend, context, AVAILABLE, BUILDING)
    submitted = submit(backend, context, process)
    backend.version(process)

    assert told(backend.job(submitted.id)) == told(submitted), "as of the submission"


def test_a_deleted_newer_version_is_not_there(backend: Backend, context: Context) -> None:
    process = make(backend, context, AVAILABLE, AVAILABLE, published=1)
    backend.services.versions.delete(backend.actor(OPERATOR), process, 2)

    assert told(submit(backend, context, process)) == (1, "published", None, [])


def test_the_latest_or_a_version(backend: Backend, context: Context) -> None:
    process = make(backend, context, AVAILABLE)

    with pytest.raises(InvalidRequest):
        submit(backend, context, process, version=1, latest=True)


def test_the_newest_that_was_uploaded_to(backend: Backend, context: Context) -> None:
    operator, versions = backend.actor(OPERATOR), backend.services.versions
    process = make(backend, context, ImageStatus.NONE)
    with pytest.raises(NotFound):
        versions.get_newest_upload(operator, process)
    for status in (AVAILABLE, FAILED, ImageStatus.NONE):
        backend.version(process, status)

    assert versions.get_newest_upload(operator, process).number == 3
    assert versions.get_default(operator, process, latest=True).number == 2


def test_what_is_being_built_is_waited_for(backend: Backend, context: Context) -> None:
    process = make(backend, context, BUILDING)

    for version in (None, 1):
        with pytest.raises(Conflict) as caught:
            submit(backend, context, process, version=version)
        assert "--ver 1 --wait-for-build" in (caught.value.hint or "")
