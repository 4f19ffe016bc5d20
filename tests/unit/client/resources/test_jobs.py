"""Submission of runs, and jobs as the server describes them."""

from datetime import UTC, datetime

import pytest

from au2.client.http.transport import Transport
from au2.client.resources.jobs import poll_job, submit_run
from au2.domain.accounts.context import Context
from au2.domain.errors import UnexpectedAnswer
from au2.domain.jobs.job import JobState
from au2.wire.documents import format_document, format_request, parse_record
from au2.wire.job import JobView, NewerVersionView, RunCreation, VersionChoiceView
from au2.wire.violations import adapter_of
from tests.unit.client.api import ORGANIZATION, PROCESS, PROJECT, Api, job_document

FULL = RunCreation(
    process=PROCESS,
    version=3,
    arguments={"a": [1, None]},
    environment={"B": "c"},
    cpu=0.5,
    memory_bytes=1 << 30,
    timeout_seconds=90.0,
    network="none",
    secrets={"D": "db"},
    shared_memory_bytes=5,
    latest=True,
)


def test_the_server_reads_the_run_that_was_sent() -> None:
    assert adapter_of(RunCreation).validate_python(format_request(FULL)) == FULL
    assert set(format_request(FULL)) == set(RunCreation.fields_)


def test_what_is_not_said_is_not_sent() -> None:
    document = format_request(RunCreation(process=PROCESS))

    assert document == {"process": PROCESS}
    assert adapter_of(RunCreation).validate_python(document) == RunCreation(process=PROCESS)


def test_client_and_server_read_a_job_alike() -> None:
    document = job_document(state="FAILED", reason="exit-code", exit_code=3)

    job = parse_record(JobView, document)

    assert job == adapter_of(JobView).validate_python(document)
    assert (job.state, job.reason, job.exit_code, job.output) == (
        *("FAILED", "exit-code", 3),
        {"ok": True},
    )
    assert (job.waited_seconds, job.ran_seconds) == (0.0, 0.0)
    assert job.created_at == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert format_document(job) == document


def test_the_phases_are_those_of_the_last_attempt_that_have_ended() -> None:
    begun = {"name": "run", "started_at": "2026-10-31T12:00:01.5Z", "ended_at": None}
    ended = {**begun, "name": "build", "ended_at": "2026-10-31T12:00:03Z"}
    attempt = job_document()["attempts"][0]
    attempts = [
        attempt | {"number": 2, "phases": [ended, begun]},
        attempt | {"number": 1, "phases": [begun]},
    ]

    job = parse_record(JobView, job_document(attempts=attempts))

    assert job.newest_attempt == 2
    assert [(phase.name, phase.seconds) for phase in job.phases] == [("build", 1.5)]


def test_what_the_server_says_of_the_chosen_version() -> None:
    newer = [NewerVersionView(version=6, image_status="BUILDING", upload_job=9)]
    text = "Runs version 5 (published); 6 is being built (job 9)."
    choice = VersionChoiceView(rule="published", text=text, newer=newer)

    job = parse_record(JobView, job_document(version_choice=format_document(choice)))

    assert (job.version_text, job.newer) == (text, newer)


@pytest.mark.parametrize(
    "changes",
    [
        {"progress": "half"},
        {"progress": []},
        {"version_choice": "published"},
        {"version_choice": {"text": "x", "newer": [{"version": "x"}]}},
        {"waiting": {"code": "places"}},
        {"waiting": "places"},
        {"started_at": "yesterday"},
        {"started_at": "2026-03-04T05:06:07"},
    ],
)
def test_what_a_strange_server_says_of_a_job(changes: dict[str, object]) -> None:
    with pytest.raises(UnexpectedAnswer):
        parse_record(JobView, job_document(**changes))


def test_standings_know_the_same_ends_as_the_domain() -> None:
    for state in JobState:
        standing = parse_record(JobView, job_document(state=state.value))
        assert standing.is_final is state.is_final
        assert standing.succeeded is (state is JobState.SUCCEEDED)


def test_submit(api: Api, transport: Transport, context: Context) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"))

    standing = submit_run(transport, context, FULL)

    assert (standing.id, standing.state) == (12, "PENDING")
    assert api.requests[0].query == {"organization": ORGANIZATION, "project": PROJECT}
    assert api.requests[0].document == format_request(FULL)


def test_poll(api: Api, transport: Transport) -> None:
    api.answer("GET /jobs/12", job_document())

    assert poll_job(transport, 12).succeeded
    assert poll_job(transport, 12, wait_seconds=2.5).succeeded
    assert [request.query for request in api.requests] == [{}, {"wait_seconds": "2.5"}]
