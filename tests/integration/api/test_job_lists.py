"""Lists of jobs, as they are asked for over HTTP."""

from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.context import Context
from tests.support.backend import OPERATOR, Backend

RUNNER = "runner@example.com"


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def submit(backend: Backend, context: Context, email: str = OPERATOR, **fields: Any) -> int:
    """A run by somebody, of a process of its own."""
    process = backend.process(context)
    backend.version(process)
    actor = backend.actor(email)
    return backend.services.jobs.submit_run(actor, context, RunOrder(process, **fields)).id


def ask(client: httpx.Client, backend: Backend, email: str, **query: Any) -> httpx.Response:
    return client.get("/jobs", params=query, headers=backend.bearer(email))


def ids_of(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"]]


def in_context(context: Context) -> dict[str, str | None]:
    return {"organization": context.organization_id, "project": context.project_id}


def test_one_s_own_jobs_in_exactly_this_context(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    backend.user(RUNNER, "runner", Context(context.organization_id))
    mine = [submit(backend, context, RUNNER) for _ in range(2)]
    submit(backend, context)
    submit(backend, Context(context.organization_id), OPERATOR)
    backend.services.jobs.stop(backend.actor(RUNNER), mine[0])

    own = ask(client, backend, RUNNER, mine="true", **in_context(context))
    newest = ask(client, backend, RUNNER, mine="true", limit=1, **in_context(context))
    stopped = ask(client, backend, RUNNER, mine="true", state="STOPPED", **in_context(context))

    assert ids_of(own) == [mine[1], mine[0]]
    assert ids_of(newest) == [mine[1]]
    assert ids_of(stopped) == [mine[0]]


@pytest.mark.parametrize("mine", ["me", "\x00", "2", "", "true\n"])
def test_mine_is_a_yes_or_a_no(
    client: httpx.Client, backend: Backend, context: Context, mine: str
) -> None:
    answer = ask(client, backend, OPERATOR, mine=mine, **in_context(context))

    assert answer.status_code == 422
