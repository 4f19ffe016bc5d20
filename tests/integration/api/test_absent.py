"""Whatever is not there: every endpoint's 404 says what to do next."""

import re
from typing import Any

import httpx
import pytest

from tests.support.servers.backend import OPERATOR, Backend

ABSENT = "eadf98c2-8e85-46ae-b81a-640d9d326109"
_EXEMPT = {"/sdk/{name}"}


def operations(client: httpx.Client) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of all that the document has."""
    document = client.get("/openapi.json").json()
    return [
        (path.removeprefix("/api/v1"), method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def fill(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], ABSENT), path)


def test_every_404_has_a_hint(backend: Backend, client: httpx.Client) -> None:
    context = backend.organization()
    numbers = {"job": "999", "version": "9", "number": "9", "offset": "0"}
    seen = set()
    for path, method, _ in operations(client):
        if "{" not in path or path in _EXEMPT:
            continue
        answer = client.request(
            method,
            fill(path, numbers),
            params={"organization": context.organization_id},
            json={} if method in {"post", "put", "patch"} else None,
            headers=backend.bearer(OPERATOR),
        )
        if answer.status_code != 404:
            continue
        seen.add(path)
        error = answer.json()["error"]
        assert error["hint"], (method, path, error)
        assert " here." not in error["message"], (method, path, error)
    assert len(seen) > 20


@pytest.mark.parametrize("noun", ["organization", "project"])
def test_an_absent_context(backend: Backend, client: httpx.Client, noun: str) -> None:
    known = backend.organization()
    context = (
        {"organization": ABSENT}
        if noun == "organization"
        else {"organization": known.organization_id, "project": ABSENT}
    )
    answer = client.get("/processes", params=context, headers=backend.bearer(OPERATOR))

    assert answer.status_code == 404
    assert answer.json()["error"]["hint"].startswith("See: au2 ")
