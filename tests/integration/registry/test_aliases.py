"""SHA-512 digests at the registry: verified aliases of what is kept by SHA-256."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from au2.domain.accounts.context import Context
from au2.domain.processes.version import ImageStatus
from au2.oci.spec.digest import sha512_of
from au2.oci.spec.media_types import DOCKER_FOREIGN_GZIP
from tests.integration.registry.guest import (
    CONFIG,
    LAYER,
    MANIFEST,
    Guest,
    code,
    describe,
    make_manifest,
)
from tests.support.images.busybox import digest_of
from tests.support.servers.backend import Backend

INDEX = "application/vnd.oci.image.index.v1+json"
BLOB = b"bytes that came by sha512"
ALIAS = sha512_of(BLOB)


def describe_by_alias(media_type: str, data: bytes) -> dict[str, Any]:
    """Return the descriptor of ``data``, with its alias."""
    return describe(media_type, data) | {"digest": sha512_of(data)}


def push_by_alias(guest: Guest, data: bytes = BLOB) -> httpx.Response:
    """Send a blob whole, by its alias."""
    return guest.ask("POST", "blobs/uploads/", params={"digest": sha512_of(data)}, content=data)


def push_image_by_alias(guest: Guest, layer: bytes = BLOB, **fields: Any) -> bytes:
    """Send an image whose manifest and descriptors have aliases; return the manifest."""
    for data in (b"{}", layer):
        assert push_by_alias(guest, data).status_code == 201
    members = {
        "config": describe_by_alias(CONFIG, b"{}"),
        "layers": [describe_by_alias(LAYER, layer)],
    }
    manifest = make_manifest(layer, **(members | fields))
    answer = guest.put(sha512_of(manifest), manifest)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Docker-Content-Digest"] == sha512_of(manifest)
    return manifest


def files_of(backend: Backend) -> list[Path]:
    """Return the files of the content store."""
    return [path for path in (backend.folder / "blobs").rglob("*") if path.is_file()]


@pytest.fixture
def process(backend: Backend, organization: Context, developer: Guest) -> str:
    """A process, at whose repository the developer is."""
    found = backend.process(organization)
    developer.repository = f"org_{organization.organization_id}/process_{found}"
    return found


# -- one blob, two names ---------------------------------------------------------------------


def test_a_blob_is_stored_once_under_both_names(backend: Backend, developer: Guest) -> None:
    assert developer.push_blob(BLOB) == digest_of(BLOB)
    assert developer.ask("HEAD", f"blobs/{ALIAS}").status_code == 404, "it came by sha256 only"
    assert push_by_alias(developer).headers["Docker-Content-Digest"] == ALIAS
    assert developer.push_blob(BLOB) == digest_of(BLOB), "a push by sha256 keeps the alias"
    for name in (ALIAS, digest_of(BLOB)):
        answer = developer.ask("GET", f"blobs/{name}")
        assert answer.content == BLOB
        assert answer.headers["Docker-Content-Digest"] == name
        assert answer.headers["ETag"] == f'"{name}"'
    assert list(backend.blobs.list_digests()) == [digest_of(BLOB)]
    assert len(files_of(backend)) == 1


def test_an_alias_belongs_to_a_repository_and_is_mounted_with_its_blob(developer: Guest) -> None:
    assert push_by_alias(developer).status_code == 201
    source = developer.repository
    for number, (name, query) in enumerate(
        [(ALIAS, {}), (ALIAS, {"from": source}), (digest_of(BLOB), {})]
    ):
        developer.repository = f"{source}-{number}"
        assert developer.ask("HEAD", f"blobs/{ALIAS}").status_code == 404
        answer = developer.begin(mount=name, **query)
        assert answer.status_code == 201
        assert answer.headers["Docker-Content-Digest"] == name
        assert developer.ask("GET", f"blobs/{ALIAS}").content == BLOB


def test_a_manifest_is_known_by_both_names(developer: Guest) -> None:
    manifest = push_image_by_alias(developer)
    digest, alias = digest_of(manifest), sha512_of(manifest)
    again = developer.put("1.0", manifest)
    assert again.headers["Docker-Content-Digest"] == digest, "a tag gives the digest"
    for reference, told in ((alias, alias), (digest, digest), ("1.0", digest)):
        for method, content in (("GET", manifest), ("HEAD", b"")):
            answer = developer.ask(method, f"manifests/{reference}")
            assert (answer.status_code, answer.content) == (200, content)
            assert answer.headers["Docker-Content-Digest"] == told
    index = {"schemaVersion": 2, "mediaType": INDEX}
    by_alias = json.dumps(index | {"manifests": [describe_by_alias(MANIFEST, manifest)]}).encode()
    assert developer.put("all", by_alias, INDEX).status_code == 201
    unknown = json.dumps(index | {"manifests": [describe_by_alias(MANIFEST, b"none")]}).encode()
    assert code(developer.put("all", unknown, INDEX)) == (400, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("by_alias", [False, True])
def test_a_deletion_by_one_name_ends_both(developer: Guest, *, by_alias: bool) -> None:
    manifest = push_image_by_alias(developer)
    assert developer.put("1.0", manifest).status_code == 201
    names = [digest_of(manifest), sha512_of(manifest)]
    assert developer.ask("DELETE", f"manifests/{names[by_alias]}").status_code == 202
    for reference in (*names, "1.0"):
        assert developer.ask("GET", f"manifests/{reference}").status_code == 404
        assert developer.ask("DELETE", f"manifests/{reference}").status_code == 404
    assert developer.ask("GET", "tags/list").json()["tags"] == []


def test_referrers_are_found_by_both_names_of_their_subject(developer: Guest) -> None:
    image = push_image_by_alias(developer)
    about = [describe(MANIFEST, image), describe_by_alias(MANIFEST, image)]
    digests = set()
    for subject in about:
        referrer = make_manifest(subject=subject, artifactType="application/vnd.example")
        developer.push_blob(b"layer")
        answer = developer.put(digest_of(referrer), referrer)
        assert (answer.status_code, answer.headers["OCI-Subject"]) == (201, subject["digest"])
        digests.add(digest_of(referrer))
    for subject in about:
        found = developer.ask("GET", f"referrers/{subject['digest']}").json()["manifests"]
        assert {one["digest"] for one in found} == digests
    nowhere = developer.ask("GET", f"referrers/{sha512_of(b'none')}")
    assert (nowhere.status_code, nowhere.json()["manifests"]) == (200, [])


# -- attacks ---------------------------------------------------------------------------------


def assert_unknown(guest: Guest, alias: str, data: bytes, *sources: str) -> None:
    """Check that somebody who knows an alias gets nothing by it."""
    for method in ("GET", "HEAD"):
        answer = guest.ask(method, f"blobs/{alias}", headers={"If-None-Match": "*"})
        assert answer.status_code == 404
    queries = [{}, *({"from": source} for source in sources)]
    for query in queries:
        assert guest.begin(mount=alias, **query).status_code == 202
    guest.push_blob(b"{}")
    manifest = make_manifest(layers=[describe_by_alias(LAYER, data)])
    answer = guest.put("1.0", manifest)
    assert code(answer) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_knowing_an_alias_gives_nothing(
    backend: Backend, developer: Guest, stranger: Guest
) -> None:
    assert push_by_alias(developer).status_code == 201
    (membership,) = backend.actor("stranger@example.com").memberships
    source = developer.repository
    assert stranger.ask("HEAD", f"blobs/{ALIAS}").status_code == 404
    stranger.repository = f"org_{membership.context.organization_id}/base"
    assert_unknown(stranger, ALIAS, BLOB, source)
    stranger.push_blob(BLOB)
    # Own bytes by sha256 say nothing of who else has them by sha512.
    assert_unknown(stranger, ALIAS, BLOB, source, stranger.repository)


def test_a_wrong_alias_ends_the_upload(backend: Backend, developer: Guest) -> None:
    place = developer.begin().headers["Location"]
    assert developer.ask("PATCH", place, content=BLOB).status_code == 202
    wrong = sha512_of(b"other")
    assert code(developer.ask("PUT", place, params={"digest": wrong})) == (400, "DIGEST_INVALID")
    assert code(developer.ask("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")
    for name in (wrong, ALIAS, digest_of(BLOB)):
        assert developer.ask("HEAD", f"blobs/{name}").status_code == 404
    assert files_of(backend) == []
    manifest = make_manifest()
    developer.push("1.0")
    assert code(developer.put(wrong, manifest)) == (400, "DIGEST_INVALID")
    assert developer.put(sha512_of(manifest), manifest).status_code == 201
    assert push_by_alias(developer).status_code == 201


def confused() -> list[str]:
    """Return names that look like digests, of one algorithm or another."""
    digits256, digits512 = digest_of(BLOB)[7:], ALIAS[7:]
    return [
        *(f"sha512:{digits256}", f"sha256:{digits512}", f"sha256:{digits512[:64]}x"),
        *(f"sha512:{digits512.upper()}", f"SHA512:{digits512}", f"sha512:{digits512[:-1]}"),
        *(f"sha512:{digits256}{digits256[:-1]}", f"sha384:{digits512[:96]}", "sha512:"),
        *("sha512:" + "../" * 42 + "ab", f"sha512:{digits512} ", f"sha512:{digits512}0"),
        *(f"sha512:{digits512[:127]}٣", f"sha512+b64:{digits512}", "sha512:" + "0" * 9000),
    ]


def test_one_algorithm_is_not_taken_for_the_other(backend: Backend, developer: Guest) -> None:
    assert push_by_alias(developer).status_code == 201
    developer.push("1.0")
    before = sorted(files_of(backend))
    place = developer.begin().headers["Location"]
    for name in confused():
        stated = describe(LAYER, BLOB) | {"digest": name}
        path = name.replace("/", "%2F").replace(" ", "%20")
        answers = [
            developer.ask("GET", f"blobs/{path}"),
            developer.ask("GET", f"manifests/{path}"),
            developer.ask("DELETE", f"manifests/{path}"),
            developer.ask("GET", f"referrers/{path}"),
            developer.begin(mount=name),
            developer.begin(digest=name),
            developer.ask("PUT", place, params={"digest": name}),
            developer.put(path, make_manifest()),
            developer.put("1.1", make_manifest(layers=[stated])),
            developer.put("1.1", make_manifest(subject=stated)),
        ]
        assert {answer.status_code for answer in answers} <= {400, 404}, name
    assert sorted(files_of(backend)) == before
    # The first digits of an alias are another blob's name.
    prefix = f"sha256:{ALIAS[7:71]}"
    assert developer.ask("GET", f"blobs/{prefix}").status_code == 404


# -- repositories of processes ---------------------------------------------------------------


def test_images_of_processes_are_named_by_sha256_only(
    backend: Backend, developer: Guest, process: str
) -> None:
    number = backend.version(process, ImageStatus.NONE)
    assert push_by_alias(developer).status_code == 201
    assert developer.ask("GET", f"blobs/{ALIAS}").content == BLOB, "blobs may come by sha512"
    developer.push_blob(b"{}")
    developer.push_blob(b"layer")
    plain = make_manifest()
    by_alias = {"layers": [describe_by_alias(LAYER, BLOB)]}
    subject = {"subject": describe_by_alias(MANIFEST, plain)}
    for reference, manifest in (
        (sha512_of(plain), plain),
        (str(number), make_manifest(**by_alias)),
        (digest_of(make_manifest(**by_alias)), make_manifest(**by_alias)),
        (digest_of(make_manifest(**subject)), make_manifest(**subject)),
    ):
        answer = developer.put(reference, manifest)
        assert code(answer) == (400, "MANIFEST_INVALID")
        assert "sha256 digests only" in answer.text
    assert developer.put(digest_of(plain), plain).status_code == 201
    assert developer.ask("GET", f"manifests/{sha512_of(plain)}").status_code == 404
    assert developer.ask("DELETE", f"manifests/{sha512_of(plain)}").status_code == 405


def test_no_layer_of_a_process_may_be_absent(
    backend: Backend, developer: Guest, stranger: Guest, process: str
) -> None:
    """Else a version would serve, and run, what another organization has sent."""
    (membership,) = backend.actor("stranger@example.com").memberships
    stranger.repository = f"org_{membership.context.organization_id}/base"
    secret = b"what another organization has sent"
    stranger.push_blob(secret)
    number = backend.version(process, ImageStatus.NONE)
    developer.push_blob(b"{}")
    child = make_manifest(layers=[describe(DOCKER_FOREIGN_GZIP, secret)])
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, child)]}
    for reference, manifest, media_type in (
        (digest_of(child), child, MANIFEST),
        (str(number), child, MANIFEST),
        (str(number), json.dumps(index).encode(), INDEX),
    ):
        answer = developer.put(reference, manifest, media_type)
        assert code(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
        if manifest is child:
            assert "allow-nondistributable-artifacts" in answer.text
    for path in (f"blobs/{digest_of(secret)}", f"manifests/{digest_of(child)}"):
        assert developer.ask("GET", path).status_code == 404
    assert developer.begin(mount=digest_of(secret)).status_code == 202
