from typing import Any

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.jobs.run_requests import WantedResources
from au2.app.uploads.package_begin import OpenUpload
from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Job, JobState, Outcome, Reason
from au2.domain.processes.version import ImageStatus, VersionType
from au2.stores.database import claims
from au2.stores.database.database import Database
from au2.stores.database.events import list_events
from tests.support.servers.backend import OPERATOR, Backend, creation


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


@pytest.fixture
def process(backend: Backend, context: Context) -> str:
    made = backend.process(context)
    backend.version(made)
    return made


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def submit(backend: Backend, context: Context, process: str, **fields: Any) -> Job:
    backend.notices.wait(0)
    order = RunOrder(process, **fields)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, order)


def test_what_is_answered_is_what_was_kept(backend: Backend, context: Context, process: str):
    job = submit(backend, context, process, arguments={"a": [1]}, environment={"A": "1"})

    assert job == backend.job(job.id)
    assert job.state is JobState.PENDING
    assert "jobs" in backend.notices.wait(0)
    with backend.database.read() as transaction:
        (event,) = list_events(transaction, f"job:{job.id}")
    assert (event.action, event.actor) == ("job:submitted", OPERATOR)


def test_a_process_by_its_name(backend: Backend, context: Context, process: str):
    assert submit(backend, context, "hello").process_id == process
    backend.process(Context(context.organization_id), "hello")
    with pytest.raises(Conflict, match="2 processes"):
        submit(backend, context, "hello")
    with pytest.raises(NotFound):
        submit(backend, context, "hi")


def test_a_process_of_the_organization_runs_in_a_project(backend: Backend, context: Context):
    process = backend.process(Context(context.organization_id), "shared")
    backend.version(process)
    job = submit(backend, context, process)
    assert job.context == context


def test_a_process_of_a_project_does_not_run_elsewhere(
    backend: Backend, context: Context, process: str
):
    for where in (Context(context.organization_id), backend.organization("Foreign")):
        with pytest.raises(NotFound):
            submit(backend, where, process)


def test_a_runner_of_a_project_makes_no_jobs_above_it(backend: Backend, context: Context):
    above = Context(context.organization_id)
    process = backend.process(above, "shared")
    backend.version(process)
    runner = backend.user("runner@example.com", "runner", context)
    assert backend.services.jobs.submit_run(runner, context, RunOrder(process)).id
    with pytest.raises(NotPermitted, match="runner"):
        backend.services.jobs.submit_run(runner, above, RunOrder(process))


def test_the_newest_published_version_else_the_newest_available(
    backend: Backend, context: Context, process: str
):
    backend.version(process)
    backend.version(process, ImageStatus.FAILED)
    assert submit(backend, context, process).version_number == 2
    backend.services.versions.publish(backend.actor(OPERATOR), process, 1)
    assert submit(backend, context, process).version_number == 1
    assert submit(backend, context, process, version=2).version_number == 2
    with pytest.raises(Conflict, match="FAILED"):
        submit(backend, context, process, version=3)
    with pytest.raises(NotFound):
        submit(backend, context, process, version=4)


def test_a_process_without_an_image(backend: Backend, context: Context):
    with pytest.raises(Conflict, match="no version with an image"):
        submit(backend, context, backend.process(context, "empty"))


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
    backend: Backend, context: Context, process: str, environment: dict[str, str]
):
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, process, environment=environment)
    assert caught.value.details[0].pointer.startswith("/environment")


@pytest.mark.parametrize("name", ["spring.datasource.url", "a-b", "1A", "Ä", "A B", "%"])
def test_names_of_variables_are_dockers_for_images_and_the_shells_for_packages(
    backend: Backend, context: Context, name: str
):
    image, package = backend.process(context, "image"), backend.process(context, "package")
    backend.version(image)
    backend.version(package, kind=VersionType.PACKAGED)

    job = submit(backend, context, image, environment={name: "x"})
    assert backend.job(job.id).request.environment == {name: "x"}
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, package, environment={name: "x"})
    assert "letters, digits and '_'" in caught.value.details[0].message
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, package, secrets={name: "db"})
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
    backend: Backend, context: Context, process: str, arguments: dict[str, Any]
):
    with pytest.raises(InvalidRequest):
        submit(backend, context, process, arguments=arguments)
    with backend.database.read() as transaction:
        assert list_events(transaction, "job:1") == []


def test_the_largest_arguments(backend: Backend, context: Context, process: str):
    largest = {"a": "x" * ((1 << 20) - len('{"a": ""}'))}
    job = submit(backend, context, process, arguments=largest)
    assert backend.job(job.id).request == job.request


def test_resources_default_and_maximum(backend: Backend, context: Context, process: str):
    job = submit(backend, context, process, resources=WantedResources(cpu=2, network=Network.NONE))
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
            submit(backend, context, process, resources=WantedResources(**{name: value}))
        (detail,) = caught.value.details
        assert detail.pointer == f"/{name}"


def test_shared_memory_is_as_large_as_the_memory_or_smaller(
    backend: Backend, context: Context, process: str
):
    def ask(memory: int | None, shared: int | None) -> int | None:
        wanted = WantedResources(memory_bytes=memory, shared_memory_bytes=shared)
        job = submit(backend, context, process, resources=wanted)
        assert backend.job(job.id).request == job.request
        return job.request.resources.shared_memory_bytes

    assert ask(None, None) == 512 << 20
    assert ask(2 << 30, None) == 2 << 30
    assert ask(None, 64 << 20) == 64 << 20
    with pytest.raises(InvalidRequest, match="2 GiB does not fit into the memory of 512 MiB"):
        ask(None, 2 << 30)


def test_the_message_says_the_maximum(backend: Backend, context: Context, process: str):
    with pytest.raises(InvalidRequest) as caught:
        submit(backend, context, process, resources=WantedResources(cpu=1025))
    assert "maximum of 1024 cores" in caught.value.details[0].message


def test_a_waiting_job_stops_at_once(backend: Backend, context: Context, process: str):
    job = submit(backend, context, process)
    stopped = backend.services.jobs.stop(backend.actor(OPERATOR), job.id)
    assert (stopped.state, stopped.reason) == (JobState.STOPPED, Reason.STOPPED)
    assert stopped.ended_at == backend.clock()
    assert backend.services.jobs.stop(backend.actor(OPERATOR), job.id) == stopped


def test_a_claimed_job_is_asked_to_stop(backend: Backend, context: Context, process: str):
    job = submit(backend, context, process)
    claim = backend.claim(job.id)
    backend.notices.wait(0)

    asked = backend.services.jobs.stop(backend.actor(OPERATOR), job.id)

    assert (asked.state, asked.stop_requested_at) == (JobState.RUNNING, backend.clock())
    assert f"stop:{job.id}" in backend.notices.wait(0)
    backend.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0))
    assert backend.services.jobs.stop(backend.actor(OPERATOR), job.id).state is JobState.SUCCEEDED


def test_a_job_whose_attempt_was_begun_is_left_to_its_dispatcher(
    backend: Backend, context: Context, process: str
):
    job = submit(backend, context, process)
    with backend.database.write() as transaction:
        claims.take_claims(transaction, "gone", limit=1, at=backend.clock(), lease_seconds=60)
        claims.release_claims(transaction, "gone")

    asked = backend.services.jobs.stop(backend.actor(OPERATOR), job.id)

    assert (asked.state, asked.stop_requested_at) == (JobState.PENDING, backend.clock())


def test_stopping_an_upload_closes_it(backend: Backend, context: Context):
    operator = backend.actor(OPERATOR)
    runtime = backend.runtime()
    begun = backend.services.upload_starter.begin(
        operator, context, creation({"main.py": b"1"}, runtime)
    )

    stopped = backend.services.jobs.stop(operator, begun.upload.job_id)

    assert stopped.state is JobState.STOPPED
    version = backend.services.versions.get(operator, begun.upload.process_id, 1)
    assert version.image_status is ImageStatus.FAILED
    with pytest.raises(Conflict):
        backend.services.uploads.complete(operator, begun.upload.id, 1)


def test_output_is_there_or_why_not(backend: Backend, context: Context, process: str):
    operator = backend.actor(OPERATOR)
    job = submit(backend, context, process)
    with pytest.raises(NotFound) as caught:
        backend.services.jobs.get_output(operator, job.id)
    assert caught.value.hint == f"It is PENDING: wait for its end: au2 job wait {job.id}"
    backend.end(backend.claim(job.id), Outcome(JobState.SUCCEEDED, exit_code=0), {"a": 1})
    assert backend.services.jobs.get_output(operator, job.id) == {"a": 1}


@pytest.mark.parametrize("reason", Reason)
def test_why_a_job_that_failed_has_no_output(
    backend: Backend, context: Context, process: str, reason: Reason
):
    text = "The output file is not JSON: Expecting value: line 1 column 1 (char 0)."
    job = submit(backend, context, process)
    backend.end(backend.claim(job.id), Outcome(JobState.FAILED, reason, text, 0))

    with pytest.raises(NotFound, match=f"Job {job.id} has no output") as caught:
        backend.services.jobs.get_output(backend.actor(OPERATOR), job.id)

    assert caught.value.hint == f"It ended as FAILED ({reason.value}). {text}"


def test_code_that_wrote_nothing_and_uploads_have_no_output(
    backend: Backend, context: Context, process: str
):
    operator = backend.actor(OPERATOR)
    job = submit(backend, context, process)
    backend.end(backend.claim(job.id), Outcome(JobState.SUCCEEDED, exit_code=0))
    body = creation({"main.py": b"x"}, backend.runtime())
    begun = backend.services.upload_starter.begin(operator, context, body)
    assert isinstance(begun, OpenUpload)

    for job_id, hint in ((job.id, "AU_OUTPUT_FILE"), (begun.upload.job_id, "an upload")):
        with pytest.raises(NotFound) as caught:
            backend.services.jobs.get_output(operator, job_id)
        assert hint in (caught.value.hint or "")


def test_another_thread_of_the_database_sees_it_at_once(
    backend: Backend, context: Context, process: str
):
    job = submit(backend, context, process)
    other = Database.open_file(backend.folder / "database" / "au2.sqlite3")
    with other.write() as transaction:
        (claim,) = claims.take_claims(
            transaction, "d", limit=1, at=backend.clock(), lease_seconds=1
        )
    other.close()
    assert claim.job == job
