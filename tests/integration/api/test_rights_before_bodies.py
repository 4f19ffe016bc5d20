"""Nobody's body is read before it is known that they may send it: over all routes there are."""

from collections.abc import Iterator
from typing import Any

import pytest

from au2.domain.accounts.context import Context
from au2.http.app import make_app
from au2.server.http.limits import HttpLimits
from tests.support.network.raw_http import exchange, status_of
from tests.support.servers.backend import OPERATOR, Backend, creation, open_backend
from tests.support.servers.live import served

VIEWER, STRANGER = "viewer@example.com", "stranger@example.com"
OPEN_TO_ALL = {"login"}
OF_EVERY_USER = {"change_password", "create_token"}
"""What one sends about oneself needs no role."""
REGISTRY = [
    ("PUT", "/v2/org_{organization}/base/manifests/latest"),
    ("PUT", "/v2/org_{organization}/process_{process}/manifests/1"),
    ("PATCH", "/v2/org_{organization}/base/blobs/uploads/{upload}"),
    ("PUT", "/v2/org_{organization}/base/blobs/uploads/{upload}?digest=sha256:" + "0" * 64),
    ("POST", "/v2/org_{organization}/base/blobs/uploads/?digest=sha256:" + "0" * 64),
]


def make_document() -> dict[str, Any]:
    unused: Any = None
    return make_app(unused, unused, unused).openapi()


def all_routes() -> list[tuple[str, str, str]]:
    own = [
        (operation["operationId"], method.upper(), path)
        for path, methods in make_document()["paths"].items()
        for method, operation in methods.items()
        if method != "get" and operation["operationId"] not in OPEN_TO_ALL
    ]
    return own + [(f"{method} {path}", method, path) for method, path in REGISTRY]


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Backend, str, dict[str, str]]]:
    with open_backend(tmp_path_factory.mktemp("bodies")) as backend:
        context = backend.organization(project=None)
        runtime = backend.runtime()
        process = backend.process(context)
        backend.version(process)
        operator = backend.actor(OPERATOR)
        upload = backend.services.upload_starter.begin(
            operator, context, creation({"main.py": b"1"}, runtime)
        )
        backend.services.secrets.create(operator, context, "db", value="of the reports")
        backend.user(VIEWER, "viewer", context)
        backend.user(
            STRANGER, "admin", Context(backend.organization("Others", None).organization_id)
        )
        names = {
            "organization": context.organization_id,
            "project": "00000000-0000-4000-8000-000000000000",
            "process": process,
            "version": "1",
            "other": "1",
            "secret": "db",
            "job": "1",
            "upload": upload.upload.id,
            "digest": "sha256:" + "0" * 64,
            "email": OPERATOR,
            "token": "mine",
        }
        # A body that is waited for is answered with 408.
        limits = HttpLimits(body_seconds=0.5, anonymous_body_seconds=0.5)
        with served(backend.app(), limits=limits) as address:
            yield backend, address, names


@pytest.mark.parametrize("who", [None, STRANGER, VIEWER])
@pytest.mark.parametrize(("name", "method", "path"), all_routes())
def test_a_body_that_may_not_be_sent_is_not_read(
    place: tuple[Backend, str, dict[str, str]], name: str, method: str, path: str, who: str | None
) -> None:
    backend, address, names = place
    target = path.format(**names)
    if not path.startswith("/v2"):
        target += (
            f"?organization={names['organization']}&fencing_token=1&offset_bytes=0&size_bytes=100"
        )
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", "Content-Length: 1000"]
    if who is not None:
        lines.append(f"Authorization: Bearer {backend.token(who)}")
    answer = exchange(address, ("\r\n".join([*lines, "", ""])).encode())

    assert status_of(answer), (name, answer)
    if who is not None and name in OF_EVERY_USER:
        assert status_of(answer) == 408
        return
    if who is not None and name in {"renew_token", "logout", "delete_token"}:
        backend.tokens.clear()
        return  # They have no body.
    assert status_of(answer) in {401, 403, 404}, answer


def test_the_document_names_every_body() -> None:
    document = make_document()
    with_body = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    assert {"login", "submit_run", "begin_upload", "create_secret", "receive_blob"} <= with_body
    for model in ("Login", "RunCreation", "UploadCreation", "FileEntry", "BlobWanted"):
        assert model in document["components"]["schemas"]
