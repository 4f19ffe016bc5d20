from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.jobs.run_requests import WantedResources
from au2.app.uploads.package_begin import OpenUpload
from au2.domain.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from au2.domain.job import Job, JobState, Outcome, Reason
from au2.domain.network import Network
from au2.domain.version import ImageStatus, VersionType
from au2.stores.database import claims
from au2.stores.database.database import Database
from au2.stores.database.events import list_events
from tests.support.world import OPERATOR, World, creation


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


@pytest.fixture
def process(world: World, context: Context) -> str:
    made = world.process(context)
    world.version(made)
    return made


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def submit(world: World, context: Context, process: str, **fields: Any) -> Job:
    world.notices.wait(0)
    order = RunOrder(process, **fields)
    return world.services.jobs.submit_run(world.actor(OPERATOR), context, order)


def test_what_is_answered_is_what_was_kept(world: World, context: Context, process: str):
    job = submit(world, context, process, arguments={"a": [1]}, environment={"A": "1"})

    assert job == world.job(job.id)
    assert job.state is JobState.PENDING
    assert "jobs" in world.notices.wait(0)
    with world.database.read() as transaction:
        (event,) = list_events(transaction, f"job:{job.id}")
    assert (event.action, event.actor) == ("job:submitted", OPERATOR)


def test_a_process_by_its_name(world: World, context: Context, process: str):
    assert submit(world, context, "hello").process_id == process
    world.process(Context(context.organization_id), "hello")
    with pytest.raises(Conflict, match="2 processes"):
        submit(world, context, "hello")
    with pytest.raises(NotFound):
        submit(world, context, "hi")


def test_a_process_of_the_organization_runs_in_a_project(world: World, context: Context):
    process = world.process(Context(context.organization_id), "shared")
    world.version(process)
    job = submit(world, context, process)
    assert job.context == context


def test_a_process_of_a_project_does_not_run_elsewhere(
    world: World, context: Context, process: str
):
    for where in (Context(context.organization_id), world.organization("Foreign")):
        with pytest.raises(NotFound):
            submit(world, where, process)


def test_a_runner_of_a_project_makes_no_jobs_above_it(world: World, context: Context):
    above = Context(context.organization_id)
    process = world.process(above, "shared")
    world.version(process)
    runner = world.user("runner@example.com", "runner", context)
    assert world.services.jobs.submit_run(runner, context, RunOrder(process)).id
    with pytest.raises(NotPermitted, match="runner"):
        world.services.jobs.submit_run(runner, above, RunOrder(process))


def test_the_newest_published_version_else_the_newest_available(
    world: World, context: Context, process: str
):
    world.version(process)
    world.version(process, ImageStatus.FAILED)
    assert submit(world, context, process).version_number == 2
    world.services.versions.publish(world.actor(OPERATOR), process, 1)
    assert submit(world, context, process).version_number == 1
    assert submit(world, context, process, version=2).version_number == 2
    with pytest.raises(Conflict, match="FAILED"):
        submit(world, context, process, version=3)
    with pytest.raises(NotFound):
        submit(world, context, process, version=4)


def test_a_process_without_an_image(world: World, context: Context):
    with pytest.raises(Conflict, match="no version with an image"):
        submit(world, context, world.process(context, "empty"))


@pytest.mark.parametrize(
    "environment",
    [
        {"AU_TOKEN": "x"},
        {"": "x"},
        {"A=B": "x"},
        {"A\0": "x"},
        {"A\ud800": "x"},
        {"A": "x\0y"},
        {"A": "x" * (128 << 10)},
        {f"A{number}": "x" * 100_000 for number in range(11)},
    ],
)
def test_environments_that_can_t_be_set(
    world: World, context: Context, process: str, environment: dict[str, str]
):
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, process, environment=environment)
    assert caught.value.details[0].pointer.startswith("/environment")


@pytest.mark.parametrize("name", ["spring.datasource.url", "a-b", "1A", "Ä", "A B", "%"])
def test_names_of_variables_are_dockers_for_images_and_the_shells_for_packages(
    world: World, context: Context, name: str
):
    image, package = world.process(context, "image"), world.process(context, "package")
    world.version(image)
    world.version(package, kind=VersionType.PACKAGED)

    job = submit(world, context, image, environment={name: "x"})
    assert world.job(job.id).request.environment == {name: "x"}
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, package, environment={name: "x"})
    assert "letters, digits and '_'" in caught.value.details[0].message
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, package, secrets={name: "db"})
    assert "letters, digits and '_'" in caught.value.details[0].message


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": float("nan")},
        {"a": "x" * (1 << 20)},
        {"a": "\ud800"},
        {"a": {"\ud800": 1}},
        nested(101),
    ],
)
def test_arguments_that_can_t_be_given(
    world: World, context: Context, process: str, arguments: dict[str, Any]
):
    with pytest.raises(InvalidRequest):
        submit(world, context, process, arguments=arguments)
    with world.database.read() as transaction:
        assert list_events(transaction, "job:1") == []


def test_the_largest_arguments(world: World, context: Context, process: str):
    largest = {"a": "x" * ((1 << 20) - len('{"a": ""}'))}
    job = submit(world, context, process, arguments=largest)
    assert world.job(job.id).request == job.request


def test_resources_default_and_maximum(world: World, context: Context, process: str):
    job = submit(world, context, process, resources=WantedResources(cpu=2, network=Network.NONE))
    resources = job.request.resources
    assert (resources.cpu, resources.network) == (2.0, Network.NONE)
    assert (resources.memory_bytes, resources.timeout_seconds) == (512 << 20, 3600.0)
    for name, value in (
        ("cpu", 1025),
        ("memory_bytes", 1 << 51),
        ("memory_bytes", 1),
        ("timeout_seconds", float("inf")),
        ("timeout_seconds", float("nan")),
        ("cpu", 0),
    ):
        with pytest.raises(InvalidRequest) as caught:
            submit(world, context, process, resources=WantedResources(**{name: value}))
        (detail,) = caught.value.details
        assert detail.pointer == f"/{name}"


def test_shared_memory_is_as_large_as_the_memory_or_smaller(
    world: World, context: Context, process: str
):
    def ask(memory: int | None, shared: int | None) -> int | None:
        wanted = WantedResources(memory_bytes=memory, shared_memory_bytes=shared)
        job = submit(world, context, process, resources=wanted)
        assert world.job(job.id).request == job.request
        return job.request.resources.shared_memory_bytes

    assert ask(None, None) == 512 << 20
    assert ask(2 << 30, None) == 2 << 30
    assert ask(None, 64 << 20) == 64 << 20
    with pytest.raises(InvalidRequest, match="2 GiB does not fit into the memory of 512 MiB"):
        ask(None, 2 << 30)


def test_the_message_says_the_maximum(world: World, context: Context, process: str):
    with pytest.raises(InvalidRequest) as caught:
        submit(world, context, process, resources=WantedResources(cpu=1025))
    assert "maximum of 1024 cores" in caught.value.details[0].message


def test_a_waiting_job_stops_at_once(world: World, context: Context, process: str):
    job = submit(world, context, process)
    stopped = world.services.jobs.stop(world.actor(OPERATOR), job.id)
    assert (stopped.state, stopped.reason) == (JobState.STOPPED, Reason.STOPPED)
    assert stopped.ended_at == world.clock()
    assert world.services.jobs.stop(world.actor(OPERATOR), job.id) == stopped


def test_a_claimed_job_is_asked_to_stop(world: World, context: Context, process: str):
    job = submit(world, context, process)
    claim = world.claim(job.id)
    world.notices.wait(0)

    asked = world.services.jobs.stop(world.actor(OPERATOR), job.id)

    assert (asked.state, asked.stop_requested_at) == (JobState.RUNNING, world.clock())
    assert f"stop:{job.id}" in world.notices.wait(0)
    world.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0))
    assert world.services.jobs.stop(world.actor(OPERATOR), job.id).state is JobState.SUCCEEDED


def test_a_job_whose_attempt_was_begun_is_left_to_its_dispatcher(
    world: World, context: Context, process: str
):
    job = submit(world, context, process)
    with world.database.write() as transaction:
        claims.take_claims(transaction, "gone", limit=1, at=world.clock(), lease_seconds=60)
        claims.release_claims(transaction, "gone")

    asked = world.services.jobs.stop(world.actor(OPERATOR), job.id)

    assert (asked.state, asked.stop_requested_at) == (JobState.PENDING, world.clock())


def test_stopping_an_upload_closes_it(world: World, context: Context):
    operator = world.actor(OPERATOR)
    runtime = world.runtime()
    begun = world.services.upload_starter.begin(
        operator, context, creation({"main.py": b"1"}, runtime)
    )

    stopped = world.services.jobs.stop(operator, begun.upload.job_id)

    assert stopped.state is JobState.STOPPED
    version = world.services.versions.get(operator, begun.upload.process_id, 1)
    assert version.image_status is ImageStatus.FAILED
    with pytest.raises(Conflict):
        world.services.uploads.complete(operator, begun.upload.id, 1)


def test_output_is_there_or_why_not(world: World, context: Context, process: str):
    operator = world.actor(OPERATOR)
    job = submit(world, context, process)
    with pytest.raises(NotFound) as caught:
        world.services.jobs.get_output(operator, job.id)
    assert caught.value.hint == f"It is PENDING: wait for its end: au2 job wait {job.id}"
    world.end(world.claim(job.id), Outcome(JobState.SUCCEEDED, exit_code=0), {"a": 1})
    assert world.services.jobs.get_output(operator, job.id) == {"a": 1}


@pytest.mark.parametrize("reason", Reason)
def test_why_a_job_that_failed_has_no_output(
    world: World, context: Context, process: str, reason: Reason
):
    text = "The output file is not JSON: Expecting value: line 1 column 1 (char 0)."
    job = submit(world, context, process)
    world.end(world.claim(job.id), Outcome(JobState.FAILED, reason, text, 0))

    with pytest.raises(NotFound, match=f"Job {job.id} has no output") as caught:
        world.services.jobs.get_output(world.actor(OPERATOR), job.id)

    assert caught.value.hint == f"It ended as FAILED ({reason.value}). {text}"


def test_code_that_wrote_nothing_and_uploads_have_no_output(
    world: World, context: Context, process: str
):
    operator = world.actor(OPERATOR)
    job = submit(world, context, process)
    world.end(world.claim(job.id), Outcome(JobState.SUCCEEDED, exit_code=0))
    body = creation({"main.py": b"x"}, world.runtime())
    begun = world.services.upload_starter.begin(operator, context, body)
    assert isinstance(begun, OpenUpload)

    for job_id, hint in ((job.id, "AU_OUTPUT_FILE"), (begun.upload.job_id, "an upload")):
        with pytest.raises(NotFound) as caught:
            world.services.jobs.get_output(operator, job_id)
        assert hint in (caught.value.hint or "")


def test_another_thread_of_the_database_sees_it_at_once(
    world: World, context: Context, process: str
):
    job = submit(world, context, process)
    other = Database.open_file(world.folder / "database" / "au2.sqlite3")
    with other.write() as transaction:
        (claim,) = claims.take_claims(transaction, "d", limit=1, at=world.clock(), lease_seconds=1)
    other.close()
    assert claim.job == job
