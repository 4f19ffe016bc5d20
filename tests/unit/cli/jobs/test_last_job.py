"""Commands for jobs without an id: the caller's last job in the context."""

from datetime import timedelta

import pytest

from au2.domain.clock import format_time, now
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import ORGANIZATION, PROJECT, Answer, Api, job_document, sse


def serve_own(api: Api, *jobs: dict[str, object]) -> None:
    """Serve the caller's jobs, newest first, as a list and each alone."""
    api.answer("GET /jobs", {"items": list(jobs), "next": None})
    for job in jobs:
        api.answer(f"GET /jobs/{job['id']}", job)
        api.answer(f"POST /jobs/{job['id']}/stop", job | {"stop_requested_at": None})
        api.answer(f"GET /jobs/{job['id']}/output", {"of": job["id"]})
        api.routes[f"GET /jobs/{job['id']}/logs"] = Answer(media_type="application/octet-stream")
        api.routes[f"GET /jobs/{job['id']}/logs/follow"] = Answer(body=sse(("end", job, None)))


def ended(job_id: int, **changes: object) -> dict[str, object]:
    moment = format_time(now() - timedelta(minutes=2, seconds=5))
    return job_document(job_id, ended_at=moment, **changes)


def running(job_id: int, **changes: object) -> dict[str, object]:
    moment = format_time(now() - timedelta(minutes=3))
    return job_document(
        job_id, **{"state": "RUNNING", "started_at": moment, "ended_at": None} | changes
    )


TOLD = "Job 14: forecast 3, SUCCEEDED 2 min ago.\n"


@pytest.mark.parametrize(
    "words", [("show",), ("logs",), ("logs", "--follow"), ("wait",), ("output",)]
)
def test_the_last_job_is_taken_and_named(
    api: Api, au2: CommandLine, words: tuple[str, ...]
) -> None:
    serve_own(api, ended(14))

    result = au2.ok("job", *words)

    assert result.errors.startswith(TOLD)
    asked = api.of("GET /jobs")[0].query
    assert (asked["mine"], asked["limit"]) == ("true", "1")
    assert (asked["organization"], asked["project"]) == (ORGANIZATION, PROJECT)
    assert api.requests[1].path.startswith("/jobs/14")


def test_output_is_that_of_the_last_run(api: Api, au2: CommandLine) -> None:
    serve_own(api, ended(14))

    assert au2.ok("job", "output").document == {"of": 14}
    assert api.of("GET /jobs")[0].query["type"] == "au-process:run"


def test_a_stated_job_needs_no_list(api: Api, au2: CommandLine) -> None:
    serve_own(api, ended(14))

    result = au2.ok("job", "wait", "14")

    assert api.asked() == ["GET /jobs/14"]
    assert "ago" not in result.errors


@pytest.mark.parametrize("name", ["show", "logs", "wait", "output"])
def test_without_any_job(api: Api, au2: CommandLine, name: str) -> None:
    serve_own(api)

    result = au2("job", name)

    assert result.exit_code == 3
    assert "in this context yet." in result.errors
    assert "au2 job list" in result.errors


def test_stop_asks_which(api: Api, au2: CommandLine) -> None:
    serve_own(api, ended(15), running(14))

    no = au2("job", "stop", typed="n\n")
    assert api.asked() == ["GET /jobs"]
    yes = au2.ok("job", "stop", typed="y\n")

    assert no.exit_code == 1
    assert "Stop job 14: forecast 3, RUNNING for 3 min? [y/N]" in no.errors
    assert "Job 14 is being stopped" in yes.errors


def test_a_job_that_waits_can_be_stopped(api: Api, au2: CommandLine) -> None:
    begun = format_time(now() - timedelta(seconds=40))
    serve_own(api, running(14, state="PENDING", started_at=None, created_at=begun))

    result = au2.ok("job", "stop", "--yes")

    assert "Job 14: forecast 3, PENDING for 4" in result.errors


def test_stop_without_a_terminal_wants_the_id(api: Api, au2: CommandLine) -> None:
    result = au2("job", "stop")

    assert result.exit_code == 2
    assert "Name the job to stop" in result.errors
    assert "au2 job list" in result.errors
    assert api.requests == []


def test_nothing_to_stop(api: Api, au2: CommandLine) -> None:
    serve_own(api, ended(15), ended(14))

    result = au2("job", "stop", typed="y\n")

    assert result.exit_code == 3
    assert "None of your jobs" in result.errors


def test_clocks_that_differ(api: Api, au2: CommandLine) -> None:
    ahead = format_time(now() + timedelta(seconds=30))
    serve_own(api, running(14, started_at=ahead))

    assert "RUNNING for 1 s." in au2.ok("job", "show").errors
