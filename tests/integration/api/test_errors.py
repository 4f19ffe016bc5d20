"""Whatever goes wrong, the answer has one form and says nothing of our insides."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from au2.http.app import ApiOptions, make_app
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend
from tests.support.servers.live import client_of, served


def error_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint", "details"}
    return error


def test_unknown_paths_and_methods(client: httpx.Client):
    unknown = client.get("/nothing")
    assert (unknown.status_code, error_of(unknown)["code"]) == (404, "not-found")
    wrong = client.put("/account")
    assert (wrong.status_code, error_of(wrong)["code"]) == (405, "invalid-request")
    assert "GET" in wrong.headers["allow"]
    assert error_of(client.get("/account/"))["code"] == "not-found"


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 10_000, b'{"email": "a", "email2": 1}', b"", b"null"]
)
def test_bodies_that_are_no_json(client: httpx.Client, body: bytes):
    answer = client.post("/login", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert error_of(answer)["code"] == "invalid-request"


def test_a_mistake_has_its_place(backend: Backend, client: httpx.Client):
    answer = client.post(
        "/tokens", json={"name": "", "expires_at": "soon"}, headers=backend.bearer(OPERATOR)
    )

    pointers = [detail["pointer"] for detail in error_of(answer)["details"]]
    assert pointers == ["/name", "/expires_at"]


def test_odd_characters_spoil_no_answer(backend: Backend, client: httpx.Client):
    context = backend.organization()
    answer = client.post(
        "/jobs",
        params={"organization": context.organization_id},
        content=b'{"process": "\\ud800", "arguments": {"a": "\\ud800"}}',
        headers={**backend.bearer(OPERATOR), "content-type": "application/json"},
    )

    assert answer.status_code == 422
    assert error_of(answer)["details"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"process": "\\ud800"}',
        b'{"process": "hello", "environment": {"A": "\\ud800"}}',
        b'{"process": "hello", "arguments": {"a": [{"\\ud800": 1}]}}',
        b'{"process": "hello", "arguments": {"a": 1e999}}',
        # Taken, its job could be neither shown nor listed.
        b'{"process": "hello", "arguments": ' + b'{"a":' * 300 + b"1" + b"}" * 301,
    ],
)
def test_what_could_not_be_shown_again_is_refused(
    backend: Backend, client: httpx.Client, body: bytes
):
    context = backend.organization(project=None)
    backend.version(backend.process(context))
    params = {"organization": context.organization_id}
    headers = {**backend.bearer(OPERATOR), "content-type": "application/json"}

    answer = client.post("/jobs", params=params, content=body, headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (422, "invalid-request")
    listed = client.get("/jobs", params=params, headers=headers)
    assert listed.json()["items"] == []


@pytest.mark.parametrize("stated", [True, False])
def test_bodies_that_are_too_large(backend: Backend, stated: bool):
    options = ApiOptions(max_body_bytes=1000, max_file_list_bytes=2000)
    body = json.dumps({"email": "a@b.c", "password": "x" * 1000}).encode()
    headers = {"content-type": "application/json"}
    with client_of(backend.app(options)) as client:
        sent: Any = body if stated else iter([body[:500], body[500:]])
        answer = client.post("/login", content=sent, headers=headers)
        assert (answer.status_code, error_of(answer)["code"]) == (413, "too-large")
        lists = client.post("/uploads", content=b"x" * 2001, headers=backend.bearer(OPERATOR))
        assert lists.status_code == 413


def test_a_fault_of_ours_says_nothing_of_our_insides(backend: Backend):
    class Faulty:
        def show(self, _: object) -> None:
            raise RuntimeError("the secret of our insides")

        def __getattr__(self, name: str) -> Any:
            return getattr(backend.services.accounts, name)

    faulty: Any = Faulty()
    app = make_app(replace(backend.services, accounts=faulty), backend.notices, backend.logs)
    with served(app) as address:
        answer = httpx.get(f"{address}/api/v1/account", headers=backend.bearer(OPERATOR))

    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal")
    assert "secret" not in answer.text


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer au2_x", "Basic YTpi", "é"])
def test_what_is_no_token(client: httpx.Client, header: str):
    answer = client.get("/account", headers={"Authorization": header.encode()})

    assert (answer.status_code, error_of(answer)["code"]) == (401, "not-authenticated")


def test_an_expired_token(backend: Backend, client: httpx.Client):
    headers = backend.bearer(OPERATOR)
    backend.clock.move(hours=24)

    answer = client.get("/account", headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (401, "token-expired")
    # Still so after others have logged in.
    client.post("/login", json={"email": OPERATOR, "password": PASSWORD})
    assert error_of(client.get("/account", headers=headers))["code"] == "token-expired"


def test_guessing_is_slowed_down(client: httpx.Client):
    wrong = {"email": OPERATOR, "password": "wrong"}
    statuses = [client.post("/login", json=wrong).status_code for _ in range(7)]

    assert statuses == [401] * 5 + [429] * 2
    right = client.post("/login", json={"email": OPERATOR, "password": PASSWORD})
    assert error_of(right)["code"] == "too-many-attempts"
