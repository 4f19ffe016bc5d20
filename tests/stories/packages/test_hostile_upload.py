"""A client that is not ours: file lists that climb out, too much data, half an upload."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from au2.wire.upload import CONTENTS_MEDIA_TYPE, HEADER_BYTES, ContentHeader, format_header
from tests.support.checkout import RUNTIME_NAME
from tests.support.commands.people import MakePeople
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess

MANIFEST = b"name: hostile\nruntime: Python3.11\n"


@contextmanager
def log_in(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{server.url}/api/v1",
        params={"organization": server.ids["organization"], "project": server.ids["project"]},
        timeout=60,
    ) as client:
        answer = client.post("/login", json={"email": EMAIL, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client


def entry(path: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {
        "path": path,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **more,
    }


def frame(data: bytes) -> bytes:
    return format_header(ContentHeader(hashlib.sha256(data).hexdigest(), len(data))) + data


def begin(
    client: httpx.Client, files: list[dict[str, Any]], name: str = "hostile"
) -> httpx.Response:
    return client.post("/uploads", json={"name": name, "runtime": RUNTIME_NAME, "files": files})


def send(client: httpx.Client, upload: dict[str, Any], body: bytes) -> httpx.Response:
    return client.put(
        f"/uploads/{upload['id']}/contents",
        params={"fencing_token": upload["fencing_token"]},
        content=body,
        headers={"Content-Type": CONTENTS_MEDIA_TYPE},
    )


def complete(client: httpx.Client, upload: dict[str, Any]) -> httpx.Response:
    return client.post(
        f"/uploads/{upload['id']}/complete", params={"fencing_token": upload["fencing_token"]}
    )


def wait_for(client: httpx.Client, job: int) -> dict[str, Any]:
    while True:
        document: dict[str, Any] = client.get(f"/jobs/{job}", params={"wait_seconds": 20}).json()
        if document["state"] in {"SUCCEEDED", "FAILED", "STOPPED"}:
            return document


PACKAGE = [entry("aunsight.yml", MANIFEST), entry("main.py", b"print('fine')\n")]
CONTENTS = frame(MANIFEST) + frame(b"print('fine')\n")


@pytest.mark.parametrize(
    "bad",
    [
        entry("../main.py", b"x"),
        entry("a/../../main.py", b"x"),
        entry("/etc/passwd", b"x"),
        entry("a//b", b"x"),
        entry("./a", b"x"),
        entry("a\0b", b"x"),
        entry("", b"x"),
        entry("main.py", b"twice"),
        entry("main.py/below-a-file", b"x"),
        {"path": "link", "type": "link", "target": "/etc/passwd"},
        {"path": "link", "type": "link", "target": "../outside"},
        {"path": "null", "type": "device"},
        {"path": "pipe", "type": "fifo"},
    ],
    ids=lambda bad: repr(bad["path"]) + bad.get("type", ""),
)
def test_file_lists_that_are_refused(server: ServerProcess, bad: dict[str, Any]) -> None:
    with log_in(server) as client:
        before = len(client.get("/jobs", params={"limit": 200}).json()["items"])
        answer = begin(client, [*PACKAGE, bad])

        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["message"]
        jobs = client.get("/jobs", params={"limit": 200}).json()["items"]
    # A refused upload may be explained by a job; then that job has failed.
    assert all(job["state"] == "FAILED" for job in jobs[: len(jobs) - before])


def test_contents_that_lie(server: ServerProcess) -> None:
    with log_in(server) as client:
        unseen = os.urandom(100)
        upload = begin(client, [*PACKAGE, entry("unseen", unseen)]).json()
        lying = frame(unseen)[:HEADER_BYTES] + unseen[::-1]

        answer = send(client, upload, lying)

        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["code"] == "digest-mismatch"
        assert complete(client, upload).status_code in {409, 422}


def test_upload_cut_off_in_the_middle_goes_on(server: ServerProcess) -> None:
    big = hashlib.shake_256(b"cut off").digest(3_000_000)
    files = [*PACKAGE, entry("big.bin", big)]
    with log_in(server) as client:
        upload = begin(client, files, "cut-off").json()
        body = CONTENTS + frame(big)
        where = urlsplit(server.url)
        head = (
            f"PUT /api/v1/uploads/{upload['id']}/contents"
            f"?fencing_token={upload['fencing_token']} HTTP/1.1\r\n"
            f"Host: {where.netloc}\r\nAuthorization: {client.headers['Authorization']}\r\n"
            f"Content-Type: {CONTENTS_MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(head.encode() + body[: len(body) // 2])

        # The session is there and wants what did not arrive whole; nothing half is taken.
        lacking = client.get(f"/uploads/{upload['id']}").json()["missing"]
        assert entry("big.bin", big)["sha256"] in lacking
        assert send(client, upload, body).json()["missing"] == []
        job = complete(client, upload).json()

        assert wait_for(client, job["id"])["state"] == "SUCCEEDED"


def test_an_older_fence_is_refused(server: ServerProcess) -> None:
    with log_in(server) as client:
        upload = begin(client, PACKAGE, "fenced").json()
        stale = {**upload, "fencing_token": upload["fencing_token"] - 1}

        assert send(client, stale, CONTENTS).status_code == 409
        assert complete(client, stale).status_code == 409
        send(client, upload, CONTENTS)
        job = complete(client, upload).json()
        assert wait_for(client, job["id"])["state"] == "SUCCEEDED"


def test_too_large_a_package(
    make_server: MakeServer, make_people: MakePeople, tmp_path: Path
) -> None:
    server = make_server(env={"AU2_LIMITS_PACKAGE_MAX_BYTES": "100000"})
    server.start()
    au2 = make_people(server).admin()
    directory = tmp_path / "large"
    au2.ok(
        *("process", "repo", "init", directory, "--yes", "--name", "large"),
        *("--description", "", "--runtime", RUNTIME_NAME),
    )
    (directory / "data.bin").write_bytes(bytes(200_000))

    result = au2("process", "repo", "upload", directory, "--yes", "--wait")

    assert result.exit_code == 1, result
    assert "97.7 KiB" in result.errors, "says what the limit is"
    with log_in(server) as client:
        sizes = [entry("huge", b"", size_bytes=1 << 60)]
        assert begin(client, [*PACKAGE, *sizes]).status_code == 413
