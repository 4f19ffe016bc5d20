"""Every list is read in pages, and everything that was created is at its ``Location``."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.processes.version import ImageStatus
from au2.http.app import ApiOptions
from au2.wire.documents import format_document
from tests.support.packages.built_versions import add_packaged_version, packaged
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend, creation
from tests.support.servers.live import client_of

ZERO = "00000000-0000-4000-8000-000000000000"


def query_of(context: Context) -> dict[str, str]:
    project = {} if context.project_id is None else {"project": context.project_id}
    return {"organization": context.organization_id, **project}


@pytest.fixture
def operator(backend: Backend) -> Iterator[httpx.Client]:
    with client_of(backend.app()) as client:
        client.headers.update(backend.bearer(OPERATOR))
        yield client


@pytest.fixture
def lists(backend: Backend) -> dict[str, dict[str, str]]:
    """Path and query of every list, each with three items or more."""
    context = backend.organization()
    query = query_of(context)
    actor = backend.actor(OPERATOR)
    process = backend.process(context, "one")
    for number in range(3):
        name = f"ä {number}"
        backend.organization(name)
        backend.services.organizations.create_project(actor, context.organization_id, name)
        backend.services.managed_tokens.create_token(actor, name)
        backend.user(f"user{number}@example.com", "viewer", context)
        backend.runtime(name)
        backend.process(context, "one" if number else "two")
        backend.version(process)
        backend.services.secrets.create(actor, context, f"secret{number}")
    packed, packed_version = add_packaged_version(
        backend, context, [packaged(name, b"") for name in ("main.py", "ä", "a/b")]
    )
    for _ in range(3):
        backend.services.jobs.submit_run(actor, context, RunOrder(process))
    return {
        "/tokens": {},
        "/account/contexts": {},
        "/organizations": {},
        f"/organizations/{context.organization_id}/projects": {},
        "/members": query,
        "/runtimes": query,
        "/processes": query,
        f"/processes/{process}/versions": {},
        f"/processes/{packed}/versions/{packed_version}/files": {},
        "/secrets": query,
        "/jobs": query,
    }


def read_pages(client: httpx.Client, path: str, query: dict[str, str]) -> Iterator[list[Any]]:
    asked: dict[str, Any] = {**query, "limit": 2}
    while True:
        answer = client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert set(page) == {"items", "next"}
        yield page["items"]
        if page["next"] is None:
            return
        asked["after"] = page["next"]


def test_every_list_is_read_in_pages(
    backend: Backend, operator: httpx.Client, lists: dict[str, dict[str, str]]
) -> None:
    document = backend.app().openapi()["paths"]
    listing = {
        path.removeprefix("/api/v1")
        for path, methods in document.items()
        if str(methods.get("get", {}).get("operationId")).startswith("list_")
    }
    assert len(listing) == len(lists)
    for path, query in lists.items():
        whole = operator.get(path, params=query).json()
        assert whole["next"] is None
        pages = list(read_pages(operator, path, query))
        assert [item for page in pages for item in page] == whole["items"]
        assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
        assert len(pages) > 1


def test_a_page_goes_on_after_an_item_that_was_deleted(
    operator: httpx.Client, lists: dict[str, dict[str, str]]
) -> None:
    query = lists["/secrets"]
    first = operator.get("/secrets", params={**query, "limit": 2}).json()
    for secret in first["items"]:
        assert operator.delete(f"/secrets/{secret['name']}", params=query).status_code == 204

    rest = operator.get("/secrets", params={**query, "after": first["next"]}).json()

    assert [secret["name"] for secret in rest["items"]] == ["secret2"]


def cursor(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        *("x", "AAAA", "_", "a b", "\x00", "x" * 3000),
        *map(
            cursor, ([], {}, None, 1, [1, 2, 3], ["a", 1], [True], [None], [[1]], [1.5], ["a"] * 9)
        ),
        urlsafe_b64encode(b"[" * 1400).decode(),
    ],
)
def test_another_cursor_is_refused(
    operator: httpx.Client, lists: dict[str, dict[str, str]], after: str
) -> None:
    for path, query in lists.items():
        answer = operator.get(path, params={**query, "after": after})
        assert answer.status_code == 422, (path, answer.text)
        assert "after" in answer.text


@pytest.mark.parametrize("number", [-1, 0, 1 << 70, -(1 << 70)])
def test_a_made_up_cursor_leaves_items_out_and_no_more(
    operator: httpx.Client, lists: dict[str, dict[str, str]], number: int
) -> None:
    for path in [path for path in lists if path.endswith(("/versions", "/jobs"))]:
        answer = operator.get(path, params={**lists[path], "after": cursor([number])})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "time", ["x", "", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:00", "\ud800", "\x00"]
)
def test_a_time_or_text_of_no_list_is_refused_in_a_cursor(
    operator: httpx.Client, lists: dict[str, dict[str, str]], time: str
) -> None:
    moment = "2026-01-01T00:00:00+00:00"
    for key in (["a", time, ZERO], ["\ud800", moment, ZERO], ["a\x00", moment, ZERO]):
        asked = {**lists["/processes"], "after": cursor(key)}
        answer = operator.get("/processes", params=asked)
        assert answer.status_code == 422, answer.text
        assert "after" in answer.text


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", ""])
def test_a_page_has_one_to_a_thousand_items(
    operator: httpx.Client, lists: dict[str, dict[str, str]], limit: str
) -> None:
    for path, query in lists.items():
        assert operator.get(path, params={**query, "limit": limit}).status_code == 422


def test_what_was_created_is_at_its_location(backend: Backend, operator: httpx.Client) -> None:
    context = backend.organization()
    query = query_of(context)
    runtime = backend.runtime()
    process = backend.process(context)
    version = backend.version(process, ImageStatus.NONE)
    ready = backend.process(context, "ready")
    backend.version(ready)
    organization = {"organization": context.organization_id}
    upload = format_document(creation({"main.py": b"1"}, runtime, name="new"))
    backend.user("somebody@example.com")
    created = {
        "/login": ({}, {"email": OPERATOR, "password": PASSWORD}),
        "/tokens": ({}, {"name": "a b"}),
        "/organizations": ({}, {"name": "Other"}),
        f"/organizations/{context.organization_id}/projects": ({}, {"name": "More"}),
        "/members": (organization, {"email": "somebody@example.com", "role": "viewer"}),
        "/processes": (query, {"name": "p"}),
        f"/processes/{process}/versions": ({}, {}),
        f"/processes/{process}/versions/{version}/image": ({}, None),
        "/uploads": (query, upload),
        "/jobs": (query, {"process": ready}),
        "/secrets": (query, {"name": "s"}),
        "/tokens/renew": ({}, None),
    }
    document = backend.app().openapi()["paths"]
    operations = [operation for methods in document.values() for operation in methods.values()]
    assert len(created) == sum("201" in operation["responses"] for operation in operations)
    for path, (params, body) in created.items():
        made = operator.post(path, params=params, json=body)
        assert made.status_code == 201, (path, made.text)
        location = made.headers["Location"]
        if path in {"/login", "/tokens/renew"}:
            operator.headers["Authorization"] = f"Bearer {made.json()['token']}"
        assert location.startswith("/api/v1/")
        found = operator.get(location.removeprefix("/api/v1"))
        assert found.status_code == 200, (location, found.text)
        only_once = {"waiting", "last_used_at", "runtime_version", "newest_runtime_version"}
        same = made.json().keys() & found.json().keys() - only_once
        assert same
        assert {name: made.json()[name] for name in same} == {
            name: found.json()[name] for name in same
        }


@pytest.mark.parametrize(
    ("external_url", "prefix"),
    [
        ("https://example.com", ""),
        ("https://example.com/", ""),
        ("https://example.com/au2/", "/au2"),
        ("https://example.com/é/%61?query", "/%C3%A9/%61"),
    ],
)
def test_a_location_begins_with_the_path_that_the_proxy_removes(
    backend: Backend, external_url: str, prefix: str
) -> None:
    backend.organization()
    with client_of(backend.app(ApiOptions(external_url=external_url))) as client:
        client.headers.update(backend.bearer(OPERATOR))
        made = client.post("/organizations", json={"name": "new"})
        assert made.status_code == 201
        assert made.headers["Location"] == f"{prefix}/api/v1/organizations/{made.json()['id']}"
        document = client.get("/openapi.json").json()
        assert document["servers"][0]["url"] == (prefix or "/")


def test_a_location_of_the_registry_has_no_path_prefix(backend: Backend) -> None:
    context = backend.organization()
    options = ApiOptions(external_url="https://example.com/au2")
    with client_of(backend.app(options)) as client:
        headers = backend.bearer(OPERATOR)
        path = f"/v2/org_{context.organization_id}/tools/blobs/uploads/"
        begun = client.post(client.base_url.join(path), headers=headers)
    assert begun.status_code == 202
    assert begun.headers["Location"].startswith(path)
