"""Uploads of images over HTTP, also from people who mean no good."""

import os
from typing import Any

import httpx
import pytest

from au2.app.registry.images import ImageBlobs
from au2.app.uploads.image_uploads import ImageUploads
from au2.domain.accounts.context import Context
from au2.domain.errors import StillSending
from au2.domain.ids import make_guid
from au2.domain.jobs.container_contract import Language
from au2.domain.jobs.job import JobState, Reason
from au2.domain.processes.repository import process_repository
from au2.domain.processes.runtime import DependencyLayer
from au2.domain.processes.version import ImageStatus
from au2.stores.database.content.layers import put_dependency_layer
from tests.support.images.busybox import SmallImage, digest_of, make_image, make_layer
from tests.support.servers.backend import OPERATOR, Backend

LARGE = os.urandom(3 << 20)
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def image() -> SmallImage:
    return make_image([make_layer({"bin/large": LARGE}), make_layer({"bin/small": b"x"})])


class Sender:
    """Somebody who sends images."""

    def __init__(
        self, backend: Backend, client: httpx.Client, email: str, context: Context | None = None
    ) -> None:
        self.backend = backend
        self.client = client
        self.context = context or backend.organization()
        backend.user(email, "developer", self.context)
        self.headers = backend.bearer(email)
        self.view: dict[str, Any] = {}

    def begin(self, process: str, version: int) -> httpx.Response:
        answer = self.client.post(
            f"/processes/{process}/versions/{version}/image", headers=self.headers
        )
        if answer.status_code == 201:
            self.view = answer.json()
        return answer

    @property
    def url(self) -> str:
        return f"/image-uploads/{self.view['id']}"

    @property
    def fence(self) -> dict[str, int]:
        return {"fencing_token": self.view["fencing_token"]}

    def lacking(self, *blobs: bytes) -> dict[str, int]:
        wanted = [{"digest": digest_of(blob), "size_bytes": len(blob)} for blob in blobs]
        answer = self.client.post(
            f"{self.url}/missing",
            params=self.fence,
            json={"blobs": wanted},
            headers=self.headers,
        )
        assert answer.status_code == 200, answer.text
        return {blob["digest"]: blob["received_bytes"] for blob in answer.json()["missing"]}

    def send(
        self, blob: bytes, *, start: int = 0, end: int | None = None, **query: Any
    ) -> httpx.Response:
        return self.client.patch(
            f"{self.url}/blobs/{query.pop('digest', digest_of(blob))}",
            params={**self.fence, "offset_bytes": start, "size_bytes": len(blob), **query},
            content=blob[start:end],
            headers=self.headers,
        )

    def complete(self, manifest: bytes) -> httpx.Response:
        return self.client.put(
            f"{self.url}/manifest",
            params=self.fence,
            content=manifest,
            headers=self.headers | {"Content-Type": OCI_MANIFEST},
        )


def parts(image: SmallImage) -> tuple[bytes, list[bytes]]:
    """The manifest and the other blobs."""
    others = [data for digest, data in image.blobs.items() if digest != image.manifest_digest]
    return image.blobs[image.manifest_digest], others


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def sender(backend: Backend, client: httpx.Client) -> Sender:
    return Sender(backend, client, "developer@example.com")


@pytest.fixture
def process(backend: Backend, sender: Sender) -> str:
    return backend.process(sender.context)


@pytest.fixture
def version(backend: Backend, process: str) -> int:
    return backend.version(process, ImageStatus.NONE)


@pytest.fixture
def sending(sender: Sender, process: str, version: int) -> Sender:
    assert sender.begin(process, version).status_code == 201
    return sender


def status(sender: Sender, process: str, version: int) -> str:
    answer = sender.client.get(f"/processes/{process}/versions/{version}", headers=sender.headers)
    return str(answer.json()["image_status"])


def test_an_image_comes_blob_by_blob(
    sending: Sender, process: str, version: int, image: SmallImage
) -> None:
    manifest, blobs = parts(image)
    assert sending.view["resumed"] is False
    assert sending.lacking(*blobs) == {digest_of(blob): 0 for blob in blobs}
    for blob in blobs:
        assert sending.send(blob).json() == {"received_bytes": len(blob), "is_whole": True}
    assert sending.lacking(*blobs) == {}

    job = sending.complete(manifest).json()

    assert (job["id"], job["state"]) == (sending.view["upload_job"], "PENDING")
    assert status(sending, process, version) == "BUILDING"
    # Whoever missed the answer may ask once more, but not for something else.
    assert sending.complete(manifest).json() == job
    assert code(sending.complete(manifest + b" ")) == (409, "conflict")


def register_runtime(backend: Backend, image: SmallImage, context: Context | None) -> None:
    """Let an image be a runtime's, of everybody or of one organization."""
    backend.services.runtimes.register_build(
        runtime_id=make_guid(),
        name=f"Runtime of {context}",
        language=Language.PYTHON,
        context=context,
        first_version=1,
        image_digest=image.save(backend.blobs),
        recipe_digest=image.manifest_digest,
    )


def test_layers_that_were_made_here_are_not_sent(backend: Backend, sending: Sender) -> None:
    """People pull a packaged version and build on it: it has the layers of its runtime."""
    for_all, own, foreign = (make_layer({name: b"x"}) for name in ("all", "own", "foreign"))
    register_runtime(backend, make_image([for_all]), None)
    register_runtime(backend, make_image([own]), Context(sending.context.organization_id))
    register_runtime(backend, make_image([foreign]), backend.organization("Other", None))
    layers = {}
    beside = backend.services.organizations.create_project(
        backend.actor(OPERATOR), sending.context.organization_id, "Beside"
    )
    owners = {
        "owned": sending.context,
        "above": Context(sending.context.organization_id),
        "beside": Context(sending.context.organization_id, beside.id),
        "others": backend.organization("Third"),
    }
    for name, owner in owners.items():
        layers[name] = make_layer({name: name.encode()})
        with backend.blobs.writer() as writer:
            writer.write(layers[name])
            digest = writer.commit()
        layer = DependencyLayer(
            name, owner.organization_id, digest, len(layers[name]), {}, owner.project_id
        )
        with backend.database.write() as transaction:
            put_dependency_layer(transaction, layer, at=backend.clock())

    lacking = sending.lacking(for_all, own, foreign, *layers.values())

    # Also not what only another project of the same organization has.
    wanted = (foreign, layers["beside"], layers["others"])
    assert set(lacking) == set(map(digest_of, wanted))


def test_what_another_project_sent_is_sent_again(
    backend: Backend, sending: Sender, process: str
) -> None:
    """A digest is no key, also not in the same organization."""
    assert sending.send(LARGE).json()["is_whole"] is True
    organization = sending.context.organization_id
    beside = Context(
        organization,
        backend.services.organizations.create_project(
            backend.actor(OPERATOR), organization, "Beside"
        ).id,
    )
    spy = backend.user("spy@example.com", "developer", beside)
    copy = backend.services.processes.create(spy, beside, "copy").id
    created = backend.services.versions.create_image_version(spy, copy, description="")
    begun = backend.services.image_uploads.begin(spy, copy, created.number)
    wanted = {digest_of(LARGE): len(LARGE)}
    upload = begun.upload

    assert set(
        backend.services.image_uploads.find_missing(spy, upload.id, upload.fencing_token, wanted)
    )
    mounted = backend.services.repository_blobs.mount(
        spy, process_repository(organization, copy), digest_of(LARGE), None
    )
    assert not mounted
    source = process_repository(organization, process)
    assert not backend.services.repository_blobs.mount(
        spy, process_repository(organization, copy), digest_of(LARGE), source
    )


def test_a_blob_comes_in_pieces(sending: Sender) -> None:
    assert sending.send(LARGE, end=1000).json() == {"received_bytes": 1000, "is_whole": False}
    assert sending.lacking(LARGE) == {digest_of(LARGE): 1000}
    wrong = sending.send(LARGE, start=999)
    assert code(wrong) == (409, "conflict")
    assert "go on at byte 1000" in wrong.json()["error"]["message"]
    assert sending.send(LARGE, start=1000).json()["is_whole"] is True
    # Once more, as a client does whose answer was lost.
    assert code(sending.send(LARGE, start=1000)) == (409, "conflict")
    assert sending.lacking(LARGE) == {}


def test_who_comes_again_goes_on_in_the_middle(
    backend: Backend, sending: Sender, process: str, version: int
) -> None:
    sending.send(LARGE, end=1000)
    first = dict(sending.view)
    backend.clock.move(seconds=3 * first["heartbeat_seconds"])

    assert sending.begin(process, version).json() == {
        **first,
        "fencing_token": first["fencing_token"] + 1,
        "resumed": True,
    }
    assert sending.lacking(LARGE) == {digest_of(LARGE): 1000}
    sending.view = first
    for answer in (sending.send(LARGE, start=1000), sending.complete(b"{}")):
        assert code(answer) == (409, "lease-lost")


def test_a_sender_that_lives_is_not_taken_over(
    backend: Backend, sending: Sender, process: str, version: int
) -> None:
    seconds = sending.view["heartbeat_seconds"]
    signs = (sending.lacking, lambda: sending.send(LARGE, end=0))
    for sign in (*signs, *signs):
        backend.clock.move(seconds=2.5 * seconds)
        refused = sending.begin(process, version)
        assert code(refused) == (409, "still-sending")
        assert "last heartbeat 5 s ago" in refused.json()["error"]["message"]
        sign()

    backend.clock.move(seconds=3 * seconds)
    assert sending.begin(process, version).json()["resumed"] is True


def test_a_sender_that_says_that_it_ends_is_gone_on_with_at_once(
    sending: Sender, process: str, version: int
) -> None:
    sending.send(LARGE, end=1000)
    leave = {"params": sending.fence, "headers": sending.headers}

    assert sending.client.post(f"{sending.url}/leave", **leave).status_code == 204

    # A heartbeat that was on its way does not count any more.
    late = sending.client.post(f"{sending.url}/missing", json={"blobs": []}, **leave)
    assert code(late) == (409, "lease-lost")
    assert sending.begin(process, version).json()["resumed"] is True
    assert sending.lacking(LARGE) == {digest_of(LARGE): 1000}


def test_a_server_that_was_away_waits_for_signs_of_life(
    backend: Backend, sending: Sender, process: str, version: int
) -> None:
    backend.clock.move(seconds=60)
    images = ImageBlobs(backend.database, backend.blobs)
    restarted = ImageUploads(
        backend.database, backend.blobs, backend.notices, images, clock=backend.clock
    )
    actor = backend.actor("developer@example.com")

    with pytest.raises(StillSending):
        restarted.begin(actor, process, version)

    backend.clock.move(seconds=3 * sending.view["heartbeat_seconds"])
    assert restarted.begin(actor, process, version).resumed


def test_a_second_sender_is_refused_until_the_first_is_gone(
    backend: Backend, sending: Sender, process: str, version: int
) -> None:
    other = Sender(backend, sending.client, "other@example.com", sending.context)
    sending.send(LARGE, end=1000)
    refused = other.begin(process, version)
    assert code(refused) == (409, "conflict")
    assert "developer@example.com is sending" in refused.json()["error"]["message"]

    backend.clock.move(seconds=sending.view["lease_seconds"] + 1)
    assert other.begin(process, version).json()["resumed"] is False

    # The first one's record says what became of it; what has come is the second's too.
    job = backend.job(sending.view["upload_job"])
    assert (job.state, job.reason) == (JobState.FAILED, Reason.UPLOAD_ABANDONED)
    assert other.lacking(LARGE) == {digest_of(LARGE): 1000}
    assert code(sending.send(LARGE, start=1000)) == (409, "lease-lost")


def test_giving_up_leaves_a_version_that_may_be_tried_again(
    sending: Sender, process: str, version: int
) -> None:
    sending.send(LARGE)
    given_up = sending.client.delete(sending.url, params=sending.fence, headers=sending.headers)
    assert given_up.status_code == 204
    assert status(sending, process, version) == "FAILED"
    assert sending.begin(process, version).json()["resumed"] is False
    assert sending.lacking(LARGE) == {}


def test_a_version_tells_which_image_it_has_or_gets(
    sending: Sender, process: str, version: int, image: SmallImage
) -> None:
    path = f"/processes/{process}/versions/{version}/image"
    ask = lambda: sending.client.get(path, headers=sending.headers).json()  # noqa: E731
    manifest, blobs = parts(image)
    assert (ask()["image_status"], ask()["image_digest"]) == ("UPLOADING", None)
    assert ask()["architecture"] == sending.view["architecture"]
    for blob in blobs:
        sending.send(blob)
    sending.complete(manifest)

    assert ask() == {
        "process": process,
        "version": version,
        "image_status": "BUILDING",
        "image_digest": digest_of(manifest),
        "upload_job": sending.view["upload_job"],
        "architecture": sending.view["architecture"],
        "variant": sending.view["variant"],
    }
    refused = sending.begin(process, version).json()["error"]
    assert f"au2 job show {sending.view['upload_job']}" in refused["hint"]
    assert "same image" in refused["hint"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The archive\x1b[2J is\r\ncut off.\u202e ", "The archive [2J is cut off."),
        (" \n", "The upload was given up by its sender. Upload again to go on."),
        ("x" * 1000, "x" * 1000),
    ],
)
def test_the_record_tells_why_it_was_given_up(
    backend: Backend, sending: Sender, said: str, kept: str
) -> None:
    query = {**sending.fence, "reason": said}
    sending.client.delete(sending.url, params=query, headers=sending.headers)

    assert backend.job(sending.view["upload_job"]).reason_text == kept


def test_a_reason_is_short(sending: Sender) -> None:
    query = {**sending.fence, "reason": "x" * 1001}
    answer = sending.client.delete(sending.url, params=query, headers=sending.headers)
    assert code(answer) == (422, "invalid-request")


@pytest.mark.parametrize("there", [ImageStatus.AVAILABLE, ImageStatus.BUILDING])
def test_a_version_takes_one_image(
    backend: Backend, sender: Sender, process: str, there: ImageStatus
) -> None:
    assert code(sender.begin(process, backend.version(process, there))) == (409, "conflict")


def test_what_is_not_there_or_not_ones_own(
    backend: Backend, sender: Sender, process: str, version: int
) -> None:
    assert code(sender.begin(process, 99)) == (404, "not-found")
    stranger = Sender(backend, sender.client, "stranger@example.com")
    assert code(stranger.begin(process, version)) == (404, "not-found")
    backend.user("runner@example.com", "runner", sender.context)
    refused = sender.client.post(
        f"/processes/{process}/versions/{version}/image",
        headers=backend.bearer("runner@example.com"),
    )
    assert code(refused) == (403, "not-permitted")
    sender.begin(process, version)
    stranger.view = sender.view
    assert code(stranger.send(LARGE)) == (404, "not-found")
    colleague = Sender(backend, sender.client, "colleague@example.com", sender.context)
    colleague.view = sender.view
    assert code(colleague.send(LARGE)) == (403, "not-permitted")


def test_a_digest_alone_is_no_key(backend: Backend, sending: Sender) -> None:
    sending.send(LARGE)
    stranger = Sender(backend, sending.client, "stranger@example.com")
    theirs = backend.process(stranger.context)
    stranger.begin(theirs, backend.version(theirs, ImageStatus.NONE))
    assert stranger.lacking(LARGE) == {digest_of(LARGE): 0}
    manifest, _ = parts(make_image([LARGE]))
    assert code(stranger.complete(manifest)) == (409, "conflict")


def test_what_one_process_has_is_not_sent_to_another_that_may_see_it(
    backend: Backend, sending: Sender
) -> None:
    sending.send(LARGE)
    another = backend.process(sending.context, "another")
    sending.begin(another, backend.version(another, ImageStatus.NONE))
    assert sending.lacking(LARGE) == {}
    # Not sideways: a colleague of another project sees neither the process nor its blobs.
    beside = backend.services.organizations.create_project(
        backend.actor(OPERATOR), sending.context.organization_id, "Beside"
    )
    context = Context(sending.context.organization_id, beside.id)
    colleague = Sender(backend, sending.client, "beside@example.com", context)
    theirs = backend.process(context, "theirs")
    colleague.begin(theirs, backend.version(theirs, ImageStatus.NONE))
    assert colleague.lacking(LARGE) == {digest_of(LARGE): 0}


def test_lies_are_found(sending: Sender, image: SmallImage) -> None:
    manifest, blobs = parts(image)
    other = digest_of(b"other")
    assert code(sending.send(LARGE, digest=other)) == (422, "digest-mismatch")
    assert sending.lacking(LARGE) == {digest_of(LARGE): 0}
    assert code(sending.send(LARGE, size_bytes=len(LARGE) - 1)) == (413, "too-large")
    assert code(sending.send(LARGE, size_bytes=1 << 60)) == (422, "invalid-request")
    assert sending.send(LARGE, digest="sha256:../../x").status_code in {404, 422}
    assert code(sending.complete(manifest)) == (409, "conflict")
    for bad in (b"", b"[]", b"{", b'{"schemaVersion":2,"manifests":[]}', b"[" * 100_000):
        assert code(sending.complete(bad)) == (422, "invalid-image")
    assert code(sending.complete(b" " * (5 << 20))) == (413, "too-large")
    for blob in blobs:
        sending.send(blob)
    assert sending.complete(manifest).status_code == 200


def test_an_upload_of_an_image_is_no_upload_of_a_package(sending: Sender) -> None:
    found = sending.client.get(f"/uploads/{sending.view['id']}", headers=sending.headers)
    assert code(found) == (404, "not-found")
    completed = sending.client.post(
        f"/uploads/{sending.view['id']}/complete",
        params={"fencing_token": 1},
        headers=sending.headers,
    )
    assert code(completed) == (404, "not-found")
