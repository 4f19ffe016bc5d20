"""Why a job waits, runs or ended, over HTTP."""

from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, Outcome, Reason
from tests.support.servers.backend import OPERATOR, Backend

STRANGER = "stranger@example.com"
VIEWER = "viewer@example.com"


@pytest.fixture
def job(backend: Backend) -> int:
    context = backend.organization()
    process = backend.process(context)
    backend.version(process)
    backend.user(VIEWER, "viewer", context)
    backend.user(STRANGER, "admin", backend.organization("Other", None))
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, RunOrder(process)).id


def ask(client: httpx.Client, backend: Backend, job: int, email: str = VIEWER) -> httpx.Response:
    return client.get(f"/jobs/{job}/why", headers=backend.bearer(email))


def explain(client: httpx.Client, backend: Backend, job: int) -> dict[str, Any]:
    answer = ask(client, backend, job)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_from_the_queue_to_the_end(client: httpx.Client, backend: Backend, job: int) -> None:
    backend.clock.move(seconds=2)
    waiting = explain(client, backend, job)
    claim = backend.claim(job)
    backend.clock.move(seconds=3)
    running = explain(client, backend, job)
    text = "The code exited with code 3."
    backend.end(claim, Outcome(JobState.FAILED, Reason.EXIT_CODE, text, exit_code=3))
    ended = explain(client, backend, job)

    assert (waiting["state"], waiting["code"]) == ("PENDING", "no-dispatcher")
    assert waiting["waiting"]["places"] > 0
    [queued] = waiting["timeline"]
    assert (queued["name"], queued["milliseconds"], queued["is_open"]) == ("queued", 2000, True)
    assert (running["state"], running["code"], running["waiting"]) == ("RUNNING", "running", None)
    assert running["text"].startswith("It has been running for 3 s")
    assert (ended["state"], ended["code"], ended["text"]) == ("FAILED", "exit-code", text)
    assert ended["hint"] == f"Its last lines: au2 job logs {job} --tail 20"


def test_a_stop_that_was_requested(client: httpx.Client, backend: Backend, job: int) -> None:
    backend.claim(job)
    backend.services.jobs.stop(backend.actor(OPERATOR), job)

    assert explain(client, backend, job)["code"] == "stopping"


def test_others_see_nothing(client: httpx.Client, backend: Backend, job: int) -> None:
    answer = ask(client, backend, job, STRANGER)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")
    assert answer.json() == ask(client, backend, 999, STRANGER).json() | {
        "error": answer.json()["error"]
    }


def test_a_context_of_its_own(backend: Backend, client: httpx.Client, job: int) -> None:
    """Of jobs of others only the number is told."""
    found = backend.services.jobs.get(backend.actor(OPERATOR), job)
    other = backend.organization("Third", None)
    backend.user(STRANGER, "admin", other)
    process = backend.process(Context(other.organization_id), "theirs")
    backend.version(process)
    later = backend.services.jobs.submit_run(backend.actor(STRANGER), other, RunOrder(process)).id

    answer = ask(client, backend, later, STRANGER)

    assert answer.json()["waiting"]["jobs_before"] == 1
    assert found.name not in answer.text
