"""The run path writes the wire by hand: here it is held against the wire models."""

import pytest

from au2.client.http.transport import Transport
from au2.client.runs.job_status import (
    JobStanding,
    NewerVersion,
    PhaseTime,
    Run,
    poll_job,
    read_standing,
    submit_run,
)
from au2.domain.context import Context
from au2.domain.errors import UnexpectedAnswer
from au2.domain.job import JobState
from au2.wire.job import JobView, NewerVersionView, RunCreation, VersionChoiceView
from tests.unit.client.api import ORGANIZATION, PROCESS, PROJECT, Api, job_document

FULL = Run(
    PROCESS, 3, {"a": [1, None]}, {"B": "c"}, 0.5, 1 << 30, 90.0, "none", {"D": "db"}, 5, True
)


def test_a_run_is_what_the_contract_says() -> None:
    assert RunCreation.model_validate(FULL.to_document()) == RunCreation(
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
    assert set(FULL.to_document()) == set(RunCreation.model_fields)


def test_what_is_not_said_is_not_sent() -> None:
    document = Run(PROCESS).to_document()

    assert document == {"process": PROCESS, "arguments": {}, "environment": {}}
    assert RunCreation.model_validate(document) == RunCreation(process=PROCESS)


def test_a_standing_is_part_of_the_job_view() -> None:
    view = JobView.model_validate(job_document(state="FAILED", reason="exit-code", exit_code=3))

    standing = read_standing(view.model_dump(mode="json"))

    expected = JobStanding(12, "FAILED", "exit-code", None, 3, output={"ok": True})
    times = {"waited_seconds": 0.0, "ran_seconds": 0.0}
    assert standing._replace(phases=()) == expected._replace(**times)
    fields = set(JobStanding._fields) - {
        *("newest_attempt", "phases", "version_text", "newer", "waited_seconds", "ran_seconds")
    }
    assert fields <= set(JobView.model_fields)


def test_the_phases_are_those_of_the_last_attempt_that_have_ended() -> None:
    begun = {"name": "run", "started_at": "2026-10-31T12:00:01.5Z", "ended_at": None}
    ended = {**begun, "name": "build", "ended_at": "2026-10-31T12:00:03Z"}
    attempts = [{"number": 2, "phases": [ended, begun]}, {"number": 1, "phases": [begun]}]

    standing = read_standing(job_document(attempts=attempts))

    assert standing.newest_attempt == 2
    assert standing.phases == (PhaseTime("build", 1.5),)


def test_what_the_server_says_of_the_chosen_version() -> None:
    newer = [NewerVersionView(version=6, image_status="BUILDING", upload_job=9)]
    text = "Runs version 5 (published); 6 is being built (job 9)."
    choice = VersionChoiceView(rule="published", text=text, newer=newer)

    standing = read_standing(job_document(version_choice=choice.model_dump(mode="json")))

    assert (standing.version_text, standing.newer) == (text, (NewerVersion(6, "BUILDING", 9),))
    assert set(NewerVersion._fields) == set(NewerVersionView.model_fields)


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
        read_standing(job_document(**changes))


def test_standings_know_the_same_ends_as_the_domain() -> None:
    for state in JobState:
        standing = JobStanding(1, state.value, None, None, None)
        assert standing.is_final is state.is_final
        assert standing.succeeded is (state is JobState.SUCCEEDED)


def test_submit(api: Api, transport: Transport, context: Context) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"))

    standing = submit_run(transport, context, FULL)

    assert (standing.id, standing.state) == (12, "PENDING")
    assert api.requests[0].query == {"organization": ORGANIZATION, "project": PROJECT}
    assert api.requests[0].document == FULL.to_document()


def test_poll(api: Api, transport: Transport) -> None:
    api.answer("GET /jobs/12", job_document())

    assert poll_job(transport, 12).succeeded
    assert poll_job(transport, 12, wait_seconds=2.5).succeeded
    assert [request.query for request in api.requests] == [{}, {"wait_seconds": "2.5"}]
