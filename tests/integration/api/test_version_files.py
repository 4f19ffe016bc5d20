"""Files of packaged versions, as the API lists them."""

import httpx
import pytest

from au2.domain.accounts.context import Context
from au2.domain.processes.version import ImageStatus
from tests.support.packages.built_versions import add_packaged_version, link, packaged
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def ask(client: httpx.Client, backend: Backend, process: str, version: object) -> httpx.Response:
    path = f"/processes/{process}/versions/{version}/files"
    return client.get(path, headers=backend.bearer(OPERATOR))


def test_files_as_they_were_uploaded_by_path(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    files = [
        packaged("main.py", b"print(1)"),
        packaged("bin/tool", b"#!/bin/sh", executable=True),
        link("latest", "main.py"),
    ]
    process, version = add_packaged_version(backend, context, files)

    found = ask(client, backend, process, version).json()["items"]

    assert [file["path"] for file in found] == ["bin/tool", "latest", "main.py"]
    assert found[0]["executable"] is True
    assert (found[1]["type"], found[1]["target"]) == ("link", "main.py")
    assert (found[2]["size_bytes"], found[2]["sha256"]) == (8, files[0].sha256)


def test_an_image_has_no_files(client: httpx.Client, backend: Backend, context: Context) -> None:
    process = backend.process(context)
    answer = ask(client, backend, process, backend.version(process))

    assert answer.status_code == 422
    assert "not made of a package" in answer.json()["error"]["message"]


def test_a_version_without_an_image(
    client: httpx.Client, backend: Backend, context: Context
) -> None:
    process = backend.process(context)
    building = backend.version(process, ImageStatus.BUILDING)

    assert ask(client, backend, process, building).status_code == 409
    assert ask(client, backend, process, 99).status_code == 404
    assert ask(client, backend, process, 2**63 - 1).status_code == 404
    assert ask(client, backend, process, -1).status_code == 422
