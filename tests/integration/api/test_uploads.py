"""Uploads over HTTP, also from people who mean no good."""

import logging
import os
import socket
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from au2.domain.accounts.context import Context
from au2.domain.jobs.container_contract import Language
from au2.domain.jobs.job import JobState, Reason
from au2.domain.processes.version import BuiltImage, ImageStatus
from au2.stores.database import versions
from au2.wire.documents import format_document
from tests.support.servers.backend import IMAGE, OPERATOR, Backend, creation, entry, frame

SMALL = b"print('hello')\n"
LARGE = os.urandom(3 << 20)
FILES = {"main.py": SMALL, "data/large.bin": LARGE, "empty": b""}


class Uploading:
    """An upload that has begun, as its owner sees it."""

    def __init__(self, backend: Backend, client: httpx.Client, **fields: Any) -> None:
        self.backend = backend
        self.client = client
        self.context = backend.organization()
        backend.user("developer@example.com", "developer", self.context)
        self.headers = backend.bearer("developer@example.com")
        self.runtime = backend.runtime()
        answer = self.begin(FILES, **fields)
        assert answer.status_code == 201, answer.text
        self.view = answer.json()

    @property
    def query(self) -> dict[str, str]:
        return {
            "organization": self.context.organization_id,
            "project": str(self.context.project_id),
        }

    def begin(self, files: dict[str, bytes], **fields: Any) -> httpx.Response:
        body = format_document(creation(files, self.runtime, **fields))
        return self.client.post("/uploads", params=self.query, json=body, headers=self.headers)

    def put(
        self, content: Any, *, fence: int = 1, headers: Any = None, complete: bool = False
    ) -> httpx.Response:
        return self.client.put(
            f"/uploads/{self.view['id']}/contents",
            params={"fencing_token": fence} | ({"complete": True} if complete else {}),
            content=content,
            headers=headers or self.headers,
        )

    def lacking(self) -> list[str]:
        found = self.client.get(f"/uploads/{self.view['id']}", headers=self.headers)
        return found.json()["missing"]

    def complete(self) -> httpx.Response:
        return self.client.post(
            f"/uploads/{self.view['id']}/complete",
            params={"fencing_token": 1},
            headers=self.headers,
        )


@pytest.fixture
def uploading(backend: Backend, client: httpx.Client) -> Uploading:
    return Uploading(backend, client)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def leftovers(backend: Backend) -> list[str]:
    return [path.name for path in (backend.folder / "blobs" / "incoming").iterdir()]


def test_a_version_is_described_when_it_is_begun(uploading: Uploading):
    process = uploading.view["process"]
    fields = {"force": True, "process": process, "name": None}
    second = uploading.begin(FILES, version_description="**new** ü", **fields)
    refused = uploading.begin(FILES, version_description="a\0b", **fields)

    found = uploading.client.get(f"/processes/{process}/versions", headers=uploading.headers)
    assert [version["description"] for version in found.json()["items"]] == ["", "**new** ü"]
    assert second.status_code == 201
    assert code(refused) == (422, "invalid-request")


def test_contents_in_any_pieces(uploading: Uploading):
    body = b"".join(frame(content) for content in FILES.values())
    pieces = (body[at : at + 7919] for at in range(0, len(body), 7919))

    answer = uploading.put(pieces)

    assert answer.json() == {"received_bytes": len(body), "missing": [], "job": None}
    assert uploading.complete().json()["state"] == "PENDING"
    for content in FILES.values():
        kept = uploading.backend.blobs.read_bytes(f"sha256:{digest(content)}", limit_bytes=1 << 30)
        assert kept == content


def test_the_last_contents_can_complete_the_upload(uploading: Uploading):
    first, *rest = FILES.values()

    some = uploading.put(frame(first), complete=True).json()
    all_of_it = uploading.put(b"".join(map(frame, rest)), complete=True).json()

    assert (len(some["missing"]), some["job"]) == (len(rest), None)
    assert (all_of_it["missing"], all_of_it["job"]["state"]) == ([], "PENDING")
    # Whoever missed the answer may ask once more.
    assert uploading.complete().json() == all_of_it["job"]


def test_only_what_is_lacking_is_asked_for(uploading: Uploading):
    assert uploading.view["missing"] == [digest(content) for content in FILES.values()]
    uploading.put(frame(SMALL))

    again = uploading.begin({**FILES, "copy.py": SMALL}, name="another")

    assert again.json()["missing"] == [digest(LARGE), digest(b"")]
    # Sent all the same, as by somebody who began earlier: read past, not refused.
    assert uploading.put(frame(SMALL)).status_code == 200


def test_bytes_that_are_not_what_was_announced(uploading: Uploading):
    for content in (SMALL, LARGE):
        wrong = bytes(len(content))
        answer = uploading.put(frame(b"") + frame(wrong, sha=digest(content)))

        assert code(answer) == (422, "digest-mismatch")
        assert not uploading.backend.blobs.contains(f"sha256:{digest(wrong)}")
    assert uploading.lacking() == [digest(SMALL), digest(LARGE)]
    assert leftovers(uploading.backend) == []


@pytest.mark.parametrize("size", [0, len(SMALL) - 1, len(SMALL) + 1, 2**64 - 1])
def test_another_size_than_in_the_list(uploading: Uploading, size: int):
    answer = uploading.put(frame(SMALL, size=size))

    assert code(answer) == (422, "invalid-request")
    assert "bytes in the file list" in answer.json()["error"]["message"]


def test_more_than_was_announced_is_no_content(uploading: Uploading):
    answer = uploading.put(frame(SMALL) + b"and more, long enough to be read as a header")

    assert code(answer) == (422, "invalid-request")
    assert digest(SMALL) not in uploading.lacking()


def test_a_content_that_is_not_in_the_list(uploading: Uploading):
    answer = uploading.put(frame(SMALL) + frame(b"smuggled"))

    assert code(answer) == (422, "invalid-request")
    assert not uploading.backend.blobs.contains(f"sha256:{digest(b'smuggled')}")
    assert digest(SMALL) not in uploading.lacking()


@pytest.mark.parametrize("cut", [1, 1000])
def test_a_body_that_ends_within_a_content(uploading: Uploading, cut: int):
    answer = uploading.put((frame(SMALL) + frame(LARGE))[:-cut])

    assert code(answer) == (422, "invalid-request")
    assert uploading.lacking() == [digest(LARGE), digest(b"")]
    assert leftovers(uploading.backend) == []


def test_a_body_that_ends_within_a_header(uploading: Uploading):
    assert code(uploading.put(frame(SMALL) + frame(LARGE)[:17])) == (422, "invalid-request")


def test_a_connection_that_breaks_off(uploading: Uploading, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.ERROR)
    body = frame(SMALL) + frame(LARGE)
    address = urlsplit(str(uploading.client.base_url))
    path = f"{address.path.rstrip('/')}/uploads/{uploading.view['id']}/contents?fencing_token=1"
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: au2\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: {uploading.headers['Authorization']}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    # The server finds out by itself, a moment after us.
    while digest(SMALL) in uploading.lacking() or leftovers(uploading.backend):
        pass
    assert uploading.lacking() == [digest(LARGE), digest(b"")]
    assert leftovers(uploading.backend) == []
    # Senders break off every day: no fault of the server's.
    assert caplog.records == []
    assert uploading.put(frame(LARGE) + frame(b"")).json()["missing"] == []
    assert uploading.complete().status_code == 200


def test_an_older_fence_is_refused_everywhere(uploading: Uploading):
    address = f"/uploads/{uploading.view['id']}"
    old = {"params": {"fencing_token": 0}, "headers": uploading.headers}

    assert code(uploading.put(frame(SMALL), fence=0)) == (409, "lease-lost")
    assert code(uploading.client.post(f"{address}/complete", **old)) == (409, "lease-lost")
    assert code(uploading.client.delete(address, **old)) == (409, "lease-lost")
    assert digest(SMALL) in uploading.lacking()


def test_another_user_s_upload(uploading: Uploading):
    backend = uploading.backend
    backend.user("colleague@example.com", "developer", uploading.context)
    backend.user("foreign@example.com", "admin", backend.organization("Foreign"))

    answer = uploading.put(frame(SMALL), headers=backend.bearer("colleague@example.com"))
    assert code(answer) == (403, "not-permitted")
    answer = uploading.put(frame(SMALL), headers=backend.bearer("foreign@example.com"))
    assert code(answer) == (404, "not-found")


def test_who_has_lost_the_role_sends_no_more(uploading: Uploading):
    uploading.backend.user("developer@example.com", "viewer", uploading.context)

    assert code(uploading.put(frame(SMALL))) == (403, "not-permitted")


def test_a_completed_upload_takes_nothing_more(uploading: Uploading):
    uploading.put(b"".join(frame(content) for content in FILES.values()))
    assert uploading.complete().status_code == 200

    assert code(uploading.put(frame(SMALL))) == (409, "lease-lost")


def test_an_upload_that_was_given_up(uploading: Uploading):
    answer = uploading.client.delete(
        f"/uploads/{uploading.view['id']}", params={"fencing_token": 1}, headers=uploading.headers
    )

    assert answer.status_code == 204
    job = uploading.backend.job(uploading.view["upload_job"])
    assert (job.state, job.reason) == (JobState.FAILED, Reason.UPLOAD_ABANDONED)
    assert code(uploading.complete()) == (409, "lease-lost")


def test_an_upload_that_went_silent(uploading: Uploading):
    backend = uploading.backend
    backend.clock.move(seconds=100)
    uploading.put(frame(SMALL))
    backend.clock.move(seconds=100)
    assert backend.services.uploads.expire_abandoned() == []
    backend.clock.move(seconds=21)

    assert backend.services.uploads.expire_abandoned() == [uploading.view["upload_job"]]

    job = backend.job(uploading.view["upload_job"])
    assert (job.state, job.reason) == (JobState.FAILED, Reason.UPLOAD_ABANDONED)
    assert job.reason_text
    version = backend.services.versions.get(
        backend.actor(OPERATOR), uploading.view["process"], uploading.view["version"]
    )
    assert version.image_status is ImageStatus.FAILED
    assert code(uploading.put(frame(LARGE))) == (409, "lease-lost")
    assert backend.services.uploads.expire_abandoned() == []
    # What had come is not asked for again.
    again = uploading.begin(FILES, name=None, process=uploading.view["process"])
    assert again.json()["version"] == 2
    assert again.json()["missing"] == [digest(LARGE), digest(b"")]


@pytest.mark.parametrize(
    "path", ["../main.py", "/etc/passwd", "a/../../b", "a//b", "a\0b", ".wh.main.py", "x" * 300]
)
def test_names_that_climb_out(uploading: Uploading, path: str):
    answer = uploading.begin({"main.py": SMALL, path: SMALL})

    assert code(answer) == (422, "invalid-package")
    assert len(answer.json()["error"]["details"]) == 1


def test_links_that_climb_out(uploading: Uploading):
    body = format_document(creation({"main.py": SMALL}, uploading.runtime))
    body["files"].append({"path": "a/link", "type": "link", "target": "../../etc"})
    answer = uploading.client.post(
        "/uploads", params=uploading.query, json=body, headers=uploading.headers
    )

    assert code(answer) == (422, "invalid-package")


def test_a_size_that_is_not_the_content_s(uploading: Uploading):
    uploading.put(frame(SMALL))
    wrong = entry("main.py", SMALL).replaced(size_bytes=1)
    body = format_document(creation({}, uploading.runtime)) | {"files": [format_document(wrong)]}
    answer = uploading.client.post(
        "/uploads", params=uploading.query, json=body, headers=uploading.headers
    )

    assert code(answer) == (422, "invalid-package")


def test_a_package_that_is_too_large(uploading: Uploading):
    body = format_document(creation({"main.py": SMALL}, uploading.runtime))
    body["files"][0]["size_bytes"] = 11 << 30
    answer = uploading.client.post(
        "/uploads", params=uploading.query, json=body, headers=uploading.headers
    )

    assert code(answer) == (413, "too-large")


def test_a_list_that_is_no_list(uploading: Uploading):
    def send(content: bytes) -> dict[str, Any]:
        answer = uploading.client.post(
            "/uploads", params=uploading.query, content=content, headers=uploading.headers
        )
        assert code(answer) == (422, "invalid-request")
        return answer.json()["error"]

    assert "JSON" in send(b"{")["message"]
    assert "JSON" in send(b"\xff\xfe")["message"]
    details = send(b'{"name": "x", "runtime": "r", "files": [{"path": 1}], "more": 1}')["details"]
    assert {detail["pointer"] for detail in details} == {"/files/0/path", "/more"}


def test_unknown_and_foreign_things(uploading: Uploading):
    missing = "00000000-0000-4000-8000-000000000000"
    foreign = uploading.backend.organization("Foreign")
    foreign_runtime = uploading.backend.runtime("Secret", Context(foreign.organization_id))
    foreign_process = uploading.backend.process(foreign)

    for fields in (
        {"runtime": "No such"},
        {"runtime": missing},
        {"runtime": foreign_runtime},
        {"runtime": "Secret"},
        {"runtime_version": 99},
        {"runtime_version": 2**70},
        {"name": None, "process": missing},
        {"name": None, "process": foreign_process},
    ):
        body = format_document(creation({"main.py": SMALL}, uploading.runtime)) | fields
        answer = uploading.client.post(
            "/uploads", params=uploading.query, json=body, headers=uploading.headers
        )
        assert code(answer) == (404, "not-found"), fields


def test_what_another_organization_has_sent_is_neither_told_nor_used(uploading: Uploading):
    """A digest is no key: whoever knows one must still send the bytes."""
    uploading.put(frame(SMALL) + frame(LARGE) + frame(b""))
    spy = uploading.backend.organization("Spies", project=None)
    uploading.backend.user("spy@example.org", "developer", spy)
    headers = uploading.backend.bearer("spy@example.org")
    query = {"organization": spy.organization_id}
    begun = uploading.client.post(
        "/uploads",
        params=query,
        json=format_document(creation({"main.py": SMALL}, uploading.runtime, name="copy")),
        headers=headers,
    ).json()

    assert begun["missing"] == [digest(SMALL)]
    completed = uploading.client.post(
        f"/uploads/{begun['id']}/complete",
        params={"fencing_token": begun["fencing_token"]},
        headers=headers,
    )
    assert code(completed) == (409, "conflict")
    sent = uploading.client.put(
        f"/uploads/{begun['id']}/contents",
        params={"fencing_token": begun["fencing_token"]},
        content=frame(SMALL),
        headers=headers,
    )
    assert sent.json()["missing"] == []


def test_what_another_project_has_sent_is_neither_told_nor_used(uploading: Uploading):
    """Also not in the same organization: only what is visible from the process's context counts."""
    backend = uploading.backend
    uploading.put(frame(SMALL) + frame(LARGE) + frame(b""))
    organization = uploading.query["organization"]
    operator = backend.actor(OPERATOR)
    above = Context(organization)
    beside = Context(
        organization,
        backend.services.organizations.create_project(operator, organization, "Beside").id,
    )
    backend.user("spy@example.org", "developer", beside)

    def lacking(email: str, context: Context, name: str) -> list[str]:
        begun = uploading.client.post(
            "/uploads",
            params={k: v for k, v in vars_of(context).items() if v is not None},
            json=format_document(creation({"main.py": SMALL}, uploading.runtime, name=name)),
            headers=backend.bearer(email),
        ).json()
        if begun["missing"]:
            refused = uploading.client.post(
                f"/uploads/{begun['id']}/complete",
                params={"fencing_token": begun["fencing_token"]},
                headers=backend.bearer(email),
            )
            assert code(refused) == (409, "conflict")
            uploading.client.put(
                f"/uploads/{begun['id']}/contents",
                params={"fencing_token": begun["fencing_token"]},
                content=frame(SMALL),
                headers=backend.bearer(email),
            )
        return list(begun["missing"])

    assert lacking("spy@example.org", beside, "copy") == [digest(SMALL)]
    assert lacking("spy@example.org", beside, "again") == []
    # Not upward either; but what belongs to the organization is seen from every project.
    assert lacking(OPERATOR, above, "above") == [digest(SMALL)]
    third = Context(
        organization,
        backend.services.organizations.create_project(operator, organization, "Third").id,
    )
    assert lacking(OPERATOR, third, "below") == []


def vars_of(context: Context) -> dict[str, str | None]:
    return {"organization": context.organization_id, "project": context.project_id}


def available(uploading: Uploading, number: int) -> None:
    """Let the version's image be there."""
    backend, process = uploading.backend, uploading.view["process"]
    for step in (ImageStatus.BUILDING, ImageStatus.AVAILABLE):
        with backend.database.write() as transaction:
            present = versions.find_version(transaction, process, number)
            assert present is not None
            image = BuiltImage(IMAGE) if step is ImageStatus.AVAILABLE else None
            versions.change_image_status(transaction, present, step, image=image)


def test_a_package_that_the_newest_version_was_made_of(uploading: Uploading):
    process = uploading.view["process"]
    again: dict[str, Any] = {"name": None, "process": process}
    # Not yet: nobody knows whether the one on its way will ever be there.
    assert uploading.begin(FILES, **again).status_code == 201
    available(uploading, 1)

    known = uploading.begin(FILES, **again)

    assert known.status_code == 200
    assert known.json() == {
        "process": process,
        "equal_version": 1,
        "runtime_version": 4,
        "newest_runtime_version": 4,
    }
    assert uploading.begin(FILES, **again, force=True).status_code == 201
    other = {**FILES, "main.py": b"print('other')\n"}
    changed = uploading.begin(other, **again)
    assert changed.status_code == 201
    available(uploading, changed.json()["version"])
    # Not the newest any more: what is uploaded is meant to be.
    assert uploading.begin(FILES, **again).status_code == 201


def test_a_version_of_before_modes_were_kept_is_known_again(uploading: Uploading):
    """Its list had no modes, and neither have those of older clients."""
    available(uploading, 1)
    process = uploading.view["process"]

    def begin(**changes: object) -> int:
        body = format_document(creation(FILES, uploading.runtime, name=None, process=process))
        for file in body["files"]:
            file.pop("mode")
        body["files"][0] |= changes
        return uploading.client.post(
            "/uploads", params=uploading.query, json=body, headers=uploading.headers
        ).status_code

    assert begin() == 200
    assert begin(mode="644") == 200
    assert begin(mode="664") == 200
    for mode in ("4644", "-rw", "888", "64", 420):
        assert begin(mode=mode) == 422
    assert begin(mode="600") == 201


def test_an_equal_package_on_a_newer_runtime_is_a_new_version(uploading: Uploading):
    available(uploading, 1)
    uploading.backend.services.runtimes.register_build(
        runtime_id=uploading.runtime,
        name="Python3.11",
        language=Language.PYTHON,
        first_version=4,
        image_digest="sha256:" + "cd" * 32,
        recipe_digest=IMAGE,
        context=None,
    )
    again: dict[str, Any] = {"name": None, "process": uploading.view["process"]}

    begun = uploading.begin(FILES, **again)

    assert begun.status_code == 201
    assert (begun.json()["runtime_version"], begun.json()["newest_runtime_version"]) == (5, 5)
    pinned = uploading.begin(FILES, **again, runtime_version=4)
    assert pinned.status_code == 200
    assert (pinned.json()["equal_version"], pinned.json()["newest_runtime_version"]) == (1, 5)


def test_comparing_changes_nothing(uploading: Uploading):
    body = format_document(creation(FILES, uploading.runtime, name="another"))
    found = uploading.client.post(
        "/uploads/compare", params=uploading.query, json=body, headers=uploading.headers
    )

    assert found.status_code == 200
    assert (found.json()["process"], found.json()["equal_version"]) == (None, None)
    listed = uploading.client.get("/processes", params=uploading.query, headers=uploading.headers)
    assert len(listed.json()["items"]) == 1
