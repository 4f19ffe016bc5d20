"""The list of processes with their versions and last runs."""

from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, Outcome, Reason
from au2.domain.processes.version import ImageStatus
from tests.support.servers.backend import OPERATOR, Backend

VIEWER = "viewer@example.com"


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def overview(
    client: httpx.Client, backend: Backend, context: Context, email: str = OPERATOR, **query: Any
) -> dict[str, list[Any] | None]:
    """Name → what the list tells of a process; None: nothing."""
    query["organization"] = context.organization_id
    if context.project_id is not None:
        query["project"] = context.project_id
    answer = client.get(
        "/processes", params={"overview": "true"} | query, headers=backend.bearer(email)
    )
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: None if one["overview"] is None else [*one["overview"].values()]
        for one in answer.json()["items"]
    }


def run(backend: Backend, context: Context, process: str) -> int:
    actor = backend.actor(OPERATOR)
    return backend.services.jobs.submit_run(actor, context, RunOrder(process)).id


def test_versions_and_last_runs(client: httpx.Client, backend: Backend, context: Context) -> None:
    operator, services = backend.actor(OPERATOR), backend.services
    backend.process(context, "new")
    used = backend.process(context, "used")
    for _ in range(4):
        backend.version(used)
    services.versions.publish(operator, used, 1)
    services.versions.publish(operator, used, 2)
    services.versions.delete(operator, used, 4)
    backend.version(used, ImageStatus.BUILDING)
    run(backend, context, used)
    failed = run(backend, context, used)
    backend.end(backend.claim(failed), Outcome(JobState.FAILED, Reason.EXIT_CODE, "It failed.", 3))

    found = overview(client, backend, context)

    assert found["used"] is not None
    assert found["new"] == [None, None, None, None]
    assert found["used"][:3] == [5, "BUILDING", 2]
    last = found["used"][3]
    assert (last["id"], last["state"], last["reason"]) == (failed, "FAILED", "exit-code")
    assert last["created_at"] is not None
    assert last["ended_at"] is not None


def test_a_plain_list_asks_for_none_of_it(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    backend.version(backend.process(context, "used"))

    assert overview(client, backend, context, overview="false") == {"used": None}


def test_runs_are_those_of_exactly_this_context(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    above = Context(context.organization_id)
    shared = backend.process(above, "shared")
    backend.version(shared)
    in_project, in_organization = run(backend, context, shared), run(backend, above, shared)

    for where, job in ((context, in_project), (above, in_organization)):
        shared_there = overview(client, backend, where)["shared"]
        assert shared_there is not None
        assert shared_there[3]["id"] == job


def test_a_project_s_member_learns_nothing_of_the_organization_s_jobs(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    above = Context(context.organization_id)
    shared = backend.process(above, "shared")
    backend.version(shared)
    run(backend, above, shared)
    backend.user(VIEWER, "viewer", context)

    assert overview(client, backend, above, VIEWER)["shared"] == [1, "AVAILABLE", None, None]
