"""Arguments and schemas over HTTP."""

from typing import Any

import httpx
import pytest

from tests.support.servers.backend import OPERATOR, Backend

SCHEMA = {
    "properties": {"days": {"type": "integer", "default": 7}, "name": {"type": "string"}},
    "required": ["name"],
}


@pytest.fixture
def process(client: httpx.Client, backend: Backend) -> dict[str, Any]:
    """What to send to run a structured process."""
    context = backend.organization()
    client.headers.update(backend.bearer(OPERATOR))
    made = backend.process(context)
    backend.version(made, args_schema=SCHEMA)
    client.params = {
        "organization": context.organization_id,
        "project": context.project_id or "",
    }
    return {"process": made}


def test_what_does_not_match_is_told_with_its_place(client: httpx.Client, process: dict[str, Any]):
    answer = client.post("/jobs", json={**process, "arguments": {"days": "many"}})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid-request"
    assert {(detail["pointer"], detail["message"]) for detail in error["details"]} == {
        ("/arguments", "'name' is missing"),
        ("/arguments/days", 'expected an integer, not "many"'),
    }
    assert client.get("/jobs").json()["items"] == []


def test_defaults_are_in_the_record(client: httpx.Client, process: dict[str, Any]):
    answer = client.post("/jobs", json={**process, "arguments": {"name": "a"}})
    assert answer.status_code == 201, answer.text
    assert answer.json()["arguments"] == {"name": "a", "days": 7}


def test_a_mebibyte_and_one_byte_more(client: httpx.Client, process: dict[str, Any]):
    room = (1 << 20) - len('{"name": ""}')
    for size, status in ((room, 201), (room + 1, 422)):
        body = {**process, "arguments": {"name": "x" * size}}
        assert client.post("/jobs", json=body).status_code == status


def test_schemas_are_part_of_the_version(client: httpx.Client, process: dict[str, Any]):
    for number in (1, "default"):
        version = client.get(f"/processes/{process['process']}/versions/{number}").json()
        assert version["version"] == 1
        assert version["args_schema"] == SCHEMA
        assert version["out_schema"] is None


def test_there_is_no_default_without_an_image(client: httpx.Client, backend: Backend):
    client.headers.update(backend.bearer(OPERATOR))
    empty = backend.process(backend.organization("Other"), "empty")
    assert client.get(f"/processes/{empty}/versions/default").status_code == 409


def test_an_image_version_is_made_with_its_contract(client: httpx.Client, process: dict[str, Any]):
    versions = f"/processes/{process['process']}/versions"
    contract = {"args_schema": SCHEMA, "environment": {"A": "b", "C": {"secret": "d"}}}
    answer = client.post(versions, json=contract)
    assert answer.status_code == 201, answer.text
    made = client.get(f"{versions}/{answer.json()['version']}").json()
    assert {name: made[name] for name in contract} == contract
    assert made["out_schema"] is None


def test_a_contract_with_mistakes_is_refused_with_places(
    client: httpx.Client, process: dict[str, Any]
):
    versions = f"/processes/{process['process']}/versions"
    wrong = {"out_schema": {"properties": {"a": {"$ref": "#/x"}}}, "environment": {"AU_X": "b"}}
    answer = client.post(versions, json=wrong)
    assert answer.status_code == 422
    pointers = [detail["pointer"] for detail in answer.json()["error"]["details"]]
    assert pointers == ["/out_schema/properties/a/$ref", "/environment/AU_X"]
    large = client.post(versions, json={"args_schema": {"$comment": "x" * (5 << 20)}})
    assert large.status_code == 413
