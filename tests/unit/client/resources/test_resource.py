"""Each call asks the address and sends the body that the API knows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from au2.client.http.transport import Transport
from au2.client.resources.accounts import Accounts
from au2.client.resources.jobs import Jobs
from au2.client.resources.organizations import Organizations
from au2.client.resources.processes import Processes, Runtimes, Versions
from au2.client.resources.resource import Named, list_named
from au2.domain.accounts.context import Context
from au2.domain.errors import NotFound, UnexpectedAnswer
from au2.wire.process import ProcessUpdate, VersionCreation, VersionUpdate
from tests.unit.client.api import (
    NOW,
    ORGANIZATION,
    PROCESS,
    PROJECT,
    Answer,
    Api,
    job_document,
)

TOKEN = {
    "id": "t1",
    "kind": "login",
    "name": "",
    "created_at": NOW,
    "expires_at": None,
    "last_used_at": None,
}
PROCESS_DOCUMENT = {
    "id": PROCESS,
    "name": "forecast",
    "description": "",
    "organization": ORGANIZATION,
    "project": None,
    "tags": [],
    "created_at": NOW,
    "created_by": "me",
    "updated_at": NOW,
    "updated_by": "me",
}
_EMPTY = (
    *("image_digest", "published_at", "published_by", "runtime", "runtime_version"),
    *("upload_job", "environment", "args_schema", "out_schema", "resources"),
)
VERSION = dict.fromkeys(_EMPTY) | {
    "process": PROCESS,
    "version": 3,
    "type": "image",
    "description": "",
    "image_status": "NONE",
    "created_at": NOW,
    "created_by": "me",
}
IN_CONTEXT = {"organization": ORGANIZATION, "project": PROJECT}


CONTEXT_DOCUMENT = {
    "organization": ORGANIZATION,
    "organization_name": "Acme",
    "project": PROJECT,
    "project_name": "Forecast",
    "role": "viewer",
}


def test_accounts(api: Api, transport: Transport) -> None:
    api.answer("POST /login", TOKEN | {"token": "s"})
    api.answer("POST /tokens/renew", TOKEN | {"token": "s2"})
    api.answer("POST /tokens", TOKEN | {"token": "s3"})
    api.answer("GET /tokens", [TOKEN])
    api.answer("GET /tokens/current", TOKEN)
    api.routes["DELETE /tokens/current"] = Answer(204)
    api.routes["DELETE /tokens/a%20b"] = Answer(204)
    account = {"id": "u", "email": "me@x.org", "is_operator": False, "memberships": []}
    api.answer("GET /account", account)
    api.answer("GET /account/contexts", [CONTEXT_DOCUMENT])
    api.routes["PUT /account/password"] = Answer(204)
    calls = Accounts(transport)

    assert calls.login("me@x.org", "pw").token == "s"
    assert calls.renew().token == "s2"
    assert calls.create_token("ci", datetime(2030, 1, 31, tzinfo=UTC)).token == "s3"
    assert [token.id for token in calls.list_tokens()] == ["t1"]
    assert calls.current_token().kind == "login"
    assert calls.account().email == "me@x.org"
    assert [found.project_name for found in calls.list_contexts()] == ["Forecast"]
    calls.delete_token("a b")
    calls.logout()
    calls.change_password("old", "new and long")

    assert api.requests[0].document == {"email": "me@x.org", "password": "pw"}
    assert api.requests[-1].document == {
        "current_password": "old",
        "new_password": "new and long",
    }
    calls.change_password("old", "new and long", end_tokens=True)
    assert api.requests[-1].document == {
        "current_password": "old",
        "new_password": "new and long",
        "end_tokens": True,
    }
    assert api.requests[2].document == {"name": "ci", "expires_at": "2030-01-31T00:00:00Z"}


def test_organizations(api: Api, transport: Transport, context: Context) -> None:
    organization = {"id": ORGANIZATION, "name": "O", "created_at": NOW}
    project = organization | {"id": PROJECT, "organization": ORGANIZATION}
    member = {"email": "you@x.org", "role": "admin", "project": None}
    api.answer("GET /organizations", [organization])
    api.answer("POST /organizations", organization)
    api.answer(f"GET /organizations/{ORGANIZATION}", organization)
    api.answer(f"GET /organizations/{ORGANIZATION}/projects", [project])
    api.answer(f"POST /organizations/{ORGANIZATION}/projects", project)
    api.answer("GET /members", [member])
    api.answer("POST /members", member)
    api.routes["DELETE /members/you%40x.org"] = Answer(204)
    calls = Organizations(transport)

    assert calls.list_organizations()[0] == calls.get_organization(ORGANIZATION)
    assert calls.create_organization("O").name == "O"
    _check_changes(api, calls, organization, project)
    assert calls.list_projects(ORGANIZATION)[0] == calls.create_project(ORGANIZATION, "P")
    assert calls.list_members(context)[0].email == "you@x.org"
    assert calls.add_member(context, "you@x.org", "admin").initial_password is None
    calls.remove_member(context, "you@x.org")

    assert all(request.query == IN_CONTEXT for request in api.requests[-3:])
    assert api.requests[-2].document == {"email": "you@x.org", "role": "admin"}


def test_runtimes(api: Api, transport: Transport, context: Context) -> None:
    runtime = {
        "id": PROCESS,
        "name": "Python3.11",
        "language": "python",
        "version": 4,
        "image_digest": "sha256:0",
        "organization": None,
        "project": None,
        "created_at": NOW,
        "retired_at": None,
    }
    api.answer("GET /runtimes", [runtime])
    api.answer(f"GET /runtimes/{PROCESS}", runtime)
    calls = Runtimes(transport)

    assert calls.list_runtimes(context, name="x")[0] == calls.get_runtime(PROCESS)
    assert api.requests[0].query == IN_CONTEXT | {"name": "x"}


def test_processes(api: Api, transport: Transport, context: Context) -> None:
    api.answer("GET /processes", [PROCESS_DOCUMENT])
    api.answer("POST /processes", PROCESS_DOCUMENT)
    api.answer(f"GET /processes/{PROCESS}", PROCESS_DOCUMENT)
    api.answer(f"PATCH /processes/{PROCESS}", PROCESS_DOCUMENT)
    api.routes[f"DELETE /processes/{PROCESS}"] = Answer(204)
    calls = Processes(transport)

    assert calls.list_processes(context, name="n", tag="t")[0].name == "forecast"
    assert calls.create_process(context, "n", "d", ["t"]) == calls.get_process(PROCESS)
    calls.update_process(PROCESS, ProcessUpdate(name="m", tags=[]))
    calls.delete_process(PROCESS)

    assert api.requests[0].query == IN_CONTEXT | {"name": "n", "tag": "t"}
    assert api.requests[1].document == {"name": "n", "description": "d", "tags": ["t"]}
    assert api.of(f"PATCH /processes/{PROCESS}")[0].document == {"name": "m", "tags": []}


def test_versions(api: Api, transport: Transport) -> None:
    path = f"/processes/{PROCESS}/versions"
    api.answer(f"GET {path}", [VERSION])
    api.answer(f"POST {path}", VERSION)
    api.answer(f"GET {path}/3", VERSION)
    api.answer(f"POST {path}/3/publish", VERSION)
    api.answer(f"POST {path}/3/unpublish", VERSION)
    api.routes[f"DELETE {path}/3"] = Answer(204)
    calls = Versions(transport)

    creation = VersionCreation(description="d", args_schema={"default": None})

    assert calls.list_versions(PROCESS)[0] == calls.create_version(PROCESS, creation)
    assert api.of(f"POST {path}")[0].document == {
        "description": "d",
        "args_schema": {"default": None},
    }
    assert calls.get_version(PROCESS, 3).version == 3
    file = {"path": "main.py", "size_bytes": 3, "sha256": "ab" * 32}
    api.answer(f"GET {path}/3/files", [file])
    assert [(found.path, found.mode) for found in calls.list_files(PROCESS, 3)] == [("main.py", "")]
    assert calls.publish(PROCESS, 3) == calls.unpublish(PROCESS, 3)
    api.answer(f"PATCH {path}/3", VERSION)
    calls.update_version(PROCESS, 3, VersionUpdate(description="news"))
    assert api.of(f"PATCH {path}/3")[0].document == {"description": "news"}
    calls.delete_version(PROCESS, 3)


def test_jobs_page_by_page(api: Api, transport: Transport, context: Context) -> None:
    first = {"items": [job_document(9), job_document(8)], "next": "Wzhd"}
    last = {"items": [job_document(7)], "next": None}
    for limit, expected in ((10, [9, 8, 7]), (1, [9])):
        pages = [first, last]
        api.routes["GET /jobs"] = lambda _, pages=pages: Answer(
            body=json.dumps(pages.pop(0)).encode()
        )
        found = Jobs(transport).list_jobs(context, state="FAILED", mine=True, limit=limit)
        assert [job.id for job in found] == expected
    asked = IN_CONTEXT | {"state": "FAILED", "mine": "true"}
    assert api.requests[0].query == asked | {"limit": "10"}
    assert api.requests[1].query == asked | {"limit": "8", "after": "Wzhd"}


def test_jobs_of_all_contexts_in_brief(api: Api, transport: Transport) -> None:
    document = job_document(9) | {"organization_name": "Acme", "project_name": None}
    api.answer("GET /jobs", {"items": [document], "next": None})

    (job,) = Jobs(transport).list_jobs(None, brief=True, limit=5)

    assert (job.organization_name, job.project_name) == ("Acme", None)
    assert api.requests[0].query == {"everywhere": "true", "brief": "true", "limit": "5"}


def _check_changes(
    api: Api, calls: Organizations, organization: dict[str, Any], project: dict[str, Any]
) -> None:
    path = f"/organizations/{ORGANIZATION}"
    api.answer(f"PATCH {path}", organization)
    api.answer(f"PATCH {path}/projects/{PROJECT}", project)
    api.routes[f"DELETE {path}"] = api.routes[f"DELETE {path}/projects/{PROJECT}"] = Answer(204)

    assert calls.rename_organization(ORGANIZATION, "O").name == "O"
    assert calls.rename_project(ORGANIZATION, PROJECT, "P").id == PROJECT
    calls.delete_organization(ORGANIZATION)
    calls.delete_project(ORGANIZATION, PROJECT, name="P & Q")
    assert api.of(f"PATCH {path}")[0].document == {"name": "O"}
    assert api.of(f"DELETE {path}")[0].query == {}
    assert api.of(f"DELETE {path}/projects/{PROJECT}")[0].query == {"name": "P & Q"}


def test_processes_with_their_last_runs(api: Api, transport: Transport, context: Context) -> None:
    run = {"id": 7, "state": "FAILED", "reason": "exit-code", "created_at": NOW, "ended_at": None}
    overview = {
        "newest_version": 3,
        "newest_status": "AVAILABLE",
        "published_version": 2,
        "last_run": run,
    }
    api.answer("GET /processes", [PROCESS_DOCUMENT | {"overview": overview}])

    (process,) = Processes(transport).list_processes(context, overview=True)

    assert process.overview is not None
    assert process.overview.last_run is not None
    assert (process.overview.newest_version, process.overview.last_run.id) == (3, 7)
    assert api.requests[0].query == IN_CONTEXT | {"overview": "true"}


def test_one_job(api: Api, transport: Transport) -> None:
    api.answer("GET /jobs/12", job_document())
    api.answer("POST /jobs/12/stop", job_document())

    assert Jobs(transport).get_job(12) == Jobs(transport).stop_job(12)


def test_names(api: Api, transport: Transport, context: Context) -> None:
    other = PROCESS_DOCUMENT | {"name": "forecast-2"}
    api.answer("GET /processes", [PROCESS_DOCUMENT, other])

    found = list_named(transport, context, "/processes", "forecast")

    assert found == [Named(id=PROCESS, name="forecast", organization=ORGANIZATION, project=None)]
    assert str(found[0]) == f"{PROCESS} (organization {ORGANIZATION})"


@pytest.mark.parametrize("document", [None, {}, [1], [{"id": 1}]])
def test_what_is_no_list(
    api: Api, transport: Transport, context: Context, document: object
) -> None:
    api.answer("GET /processes", document)

    with pytest.raises(UnexpectedAnswer):
        Processes(transport).list_processes(context)
    if document != {}:
        with pytest.raises(UnexpectedAnswer):
            list_named(transport, context, "/processes", "x")


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 5000])
def test_what_no_path_can_hold_is_not_there(api: Api, transport: Transport, name: str) -> None:
    with pytest.raises(NotFound, match="There is no token"):
        Accounts(transport).delete_token(name)
    assert api.requests == []
