"""Lists of jobs, as they are asked for over HTTP."""

from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, Outcome
from tests.support.servers.backend import OPERATOR, Backend

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


def test_a_brief_list_leaves_out_what_may_be_large(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    job = submit(backend, context, arguments={"a": "x" * 1000}, environment={"B": "1"})
    backend.end(backend.claim(job), Outcome(JobState.SUCCEEDED, exit_code=0), {"large": "y" * 1000})

    (full,) = ask(client, backend, OPERATOR, **in_context(context)).json()["items"]
    (brief,) = ask(client, backend, OPERATOR, brief="true", **in_context(context)).json()["items"]

    without = dict.fromkeys(
        ("arguments", "environment", "secrets", "resources", "output", "version_choice")
    )
    assert full["output"] == {"large": "y" * 1000}
    assert brief == full | without


def test_jobs_of_all_contexts_are_those_that_a_role_reaches(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    above = Context(context.organization_id)
    other = backend.organization("Other", "Alpha")
    sibling = Context(
        other.organization_id,
        backend.services.organizations.create_project(
            backend.actor(OPERATOR), other.organization_id, "Sibling"
        ).id,
    )
    backend.user(RUNNER, "viewer", above)
    # A role in a project below gives no second share of its jobs.
    backend.user(RUNNER, "runner", context)
    backend.user(RUNNER, "viewer", other)
    seen = [submit(backend, one) for one in (context, above, other)]
    hidden = [submit(backend, one) for one in (sibling, Context(other.organization_id))]
    hidden.append(submit(backend, backend.organization("Foreign")))

    answer = ask(client, backend, RUNNER, everywhere="true")
    newest = ask(client, backend, RUNNER, everywhere="true", limit=2).json()
    rest = ask(client, backend, RUNNER, everywhere="true", after=newest["next"])

    assert ids_of(answer) == seen[::-1]
    assert not set(ids_of(answer)) & set(hidden)
    assert [(job["organization_name"], job["project_name"]) for job in answer.json()["items"]] == [
        ("Other", "Alpha"),
        ("Acme", None),
        ("Acme", "Forecast"),
    ]
    assert [job["id"] for job in newest["items"]] == seen[:0:-1]
    assert ids_of(rest) == seen[:1]
    assert ids_of(ask(client, backend, RUNNER, everywhere="true", mine="true")) == []


def test_values_of_variables_stay_hidden_from_viewers_everywhere(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    backend.user(RUNNER, "viewer", context)
    submit(backend, context, environment={"PASSWORD": "p"})

    (job,) = ask(client, backend, RUNNER, everywhere="true").json()["items"]

    assert job["environment"] == {"PASSWORD": "***"}


def test_who_has_no_role_sees_no_job(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    submit(backend, context)
    backend.user(RUNNER)

    answer = ask(client, backend, RUNNER, everywhere="true")

    assert answer.json() == {"items": [], "next": None}


def test_a_list_is_of_one_context_or_of_all(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    both = ask(client, backend, OPERATOR, everywhere="true", **in_context(context))
    neither = ask(client, backend, OPERATOR)
    project_alone = ask(client, backend, OPERATOR, project=context.project_id)

    assert [one.status_code for one in (both, neither, project_alone)] == [422] * 3
    assert "not both" in both.json()["error"]["message"]
    assert neither.json()["error"]["message"] == "The organization is missing."
