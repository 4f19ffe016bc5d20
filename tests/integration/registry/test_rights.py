"""Who may do what in the registry, process repositories, and names that mean no good."""

import json
from itertools import permutations

import httpx
import pytest

from au2.app.registry.manifests import PutManifest
from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict
from au2.domain.processes.repository import Repository, StoredBlob, process_repository
from au2.domain.processes.version import BuiltImage, ImageStatus
from au2.oci.spec.media_types import INDEX
from au2.stores.database.versions import change_image_status, find_version
from tests.integration.registry.guest import MANIFEST, NOWHERE, Guest, code, describe, make_manifest
from tests.support.images.busybox import SmallImage, digest_of, make_image, make_layer
from tests.support.servers.backend import OPERATOR, Backend

READS = (
    "tags/list",
    "manifests/1.0",
    f"manifests/{NOWHERE}",
    f"blobs/{NOWHERE}",
    f"referrers/{NOWHERE}",
)


# -- rights ----------------------------------------------------------------------------------


def test_a_viewer_pulls_and_does_not_push(developer: Guest, viewer: Guest) -> None:
    manifest = developer.push("1.0")
    assert viewer.ask("GET", "manifests/1.0").content == manifest
    assert viewer.ask("GET", f"blobs/{digest_of(b'layer')}").content == b"layer"
    assert viewer.ask("GET", "tags/list").json()["tags"] == ["1.0"]
    place = developer.begin().headers["Location"]
    for answer in (
        viewer.begin(),
        viewer.begin(mount=digest_of(b"layer")),
        viewer.put("1.0", manifest),
        viewer.ask("DELETE", "manifests/1.0"),
        viewer.ask("GET", place),
        viewer.ask("PUT", place, params={"digest": NOWHERE}),
    ):
        assert code(answer) == (403, "DENIED")


def test_a_stranger_can_not_tell_what_is_there(developer: Guest, stranger: Guest) -> None:
    manifest = developer.push("1.0")
    here = developer.repository
    nowhere = "org_00000000-0000-4000-8000-000000000000/base"

    def ask_all(repository: str) -> list[tuple[int, str]]:
        stranger.repository = repository
        answers = [stranger.ask("GET", path) for path in READS]
        answers += [
            stranger.begin(),
            stranger.begin(mount=digest_of(b"layer")),
            stranger.put("1.0", manifest),
            stranger.ask("DELETE", "manifests/1.0"),
            stranger.ask("GET", f"blobs/{digest_of(b'layer')}"),
        ]
        assert {code(answer) for answer in answers} == {(404, "NAME_UNKNOWN")}
        return [(a.status_code, a.text.replace(repository, "REPOSITORY")) for a in answers]

    assert ask_all(here) == ask_all(nowhere)
    assert developer.ask("GET", "manifests/1.0").content == manifest


def test_a_member_of_a_project_pulls_what_is_the_organizations(
    backend: Backend, client: httpx.Client, organization: Context, developer: Guest
) -> None:
    manifest = developer.push("1.0")
    operator = backend.actor(backend.operator.email)
    below = backend.services.organizations.create_project(
        operator, organization.organization_id, "Forecast"
    )
    project = Context(organization.organization_id, below.id)
    backend.user("member@example.com", "admin", project)
    member = Guest(backend, client, "member@example.com", developer.repository)
    assert member.ask("GET", "manifests/1.0").content == manifest
    assert code(member.begin()) == (403, "DENIED")
    assert code(member.put("1.0", manifest)) == (403, "DENIED")
    # What belongs to the project is the member's to push, and another project's is not there.
    guid = organization.organization_id
    member.repository = f"org_{guid}/process_{backend.process(project)}"
    assert member.begin().status_code == 202
    member.repository = f"org_{guid}/process_{backend.process(organization, 'above')}"
    assert member.ask("GET", "tags/list").status_code == 200
    assert code(member.begin()) == (403, "DENIED")
    other = backend.services.organizations.create_project(operator, guid, "Other")
    member.repository = f"org_{guid}/process_{backend.process(Context(guid, other.id))}"
    assert code(member.ask("GET", "tags/list")) == (404, "NAME_UNKNOWN")
    assert code(member.begin()) == (404, "NAME_UNKNOWN")


def test_an_upload_is_for_who_began_it(
    backend: Backend, client: httpx.Client, organization: Context, developer: Guest
) -> None:
    backend.user("colleague@example.com", "developer", organization)
    colleague = Guest(backend, client, "colleague@example.com", developer.repository)
    place = developer.begin().headers["Location"]
    assert developer.ask("PATCH", place, content=b"mine").status_code == 202
    for answer in (
        colleague.ask("GET", place),
        colleague.ask("PATCH", place, content=b"theirs"),
        colleague.ask("PUT", place, params={"digest": digest_of(b"mine")}),
        colleague.ask("DELETE", place),
    ):
        assert code(answer) == (403, "DENIED")
    moved = place.replace("/base/", "/other/")
    assert code(developer.ask("GET", moved)) == (404, "BLOB_UPLOAD_UNKNOWN")
    done = developer.ask("PUT", place, params={"digest": digest_of(b"mine")})
    assert done.status_code == 201


def test_a_digest_opens_nothing_by_itself(
    backend: Backend, developer: Guest, stranger: Guest
) -> None:
    developer.push("1.0", b"of others")
    (membership,) = backend.actor("stranger@example.com").memberships
    stranger.repository = f"org_{membership.context.organization_id}/base"
    digest = digest_of(b"of others")
    assert code(stranger.ask("GET", f"blobs/{digest}")) == (404, "BLOB_UNKNOWN")
    stranger.push_blob(b"{}")
    answer = stranger.put("1.0", make_manifest(b"of others"))
    assert code(answer) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_rights_are_asked_anew(backend: Backend, developer: Guest, organization: Context) -> None:
    developer.push("1.0")
    operator = backend.actor(backend.operator.email)
    backend.services.members.remove(operator, organization, "developer@example.com")
    assert code(developer.ask("GET", "manifests/1.0")) == (404, "NAME_UNKNOWN")


# -- repositories of processes ---------------------------------------------------------------


@pytest.fixture
def image() -> SmallImage:
    return make_image([make_layer({"bin/small": b"x"})])


@pytest.fixture
def process(backend: Backend, organization: Context, developer: Guest) -> str:
    """A new process, at whose repository the developer now is."""
    made = backend.process(organization)
    developer.repository = f"org_{organization.organization_id}/process_{made}"
    return made


def test_versions_with_an_image_are_tags(
    backend: Backend, developer: Guest, process: str, image: SmallImage
) -> None:
    image.save(backend.blobs)
    assert developer.ask("GET", "tags/list").json()["tags"] == []
    lacking = backend.version(process, ImageStatus.NONE)
    number = backend.version(process, image_digest=image.manifest_digest)
    assert developer.ask("GET", "tags/list").json()["tags"] == [str(number)]
    for reference in (str(number), image.manifest_digest):
        answer = developer.ask("GET", f"manifests/{reference}")
        assert answer.content == image.blobs[image.manifest_digest]
    for digest, data in image.blobs.items():
        if digest != image.manifest_digest:
            assert developer.ask("GET", f"blobs/{digest}").content == data
    for other in (str(lacking), "99", f"0{number}", "latest", "9" * 100):
        answer = developer.ask("GET", f"manifests/{other}")
        assert code(answer) == (404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize("tag", ["latest", "1.0", "01", "0", "9" * 12])
def test_a_tag_that_is_no_version_is_refused(developer: Guest, process: str, tag: str) -> None:
    answer = developer.put(tag, make_manifest())
    assert code(answer) == (400, "UNSUPPORTED")
    assert "numbers of its versions" in answer.json()["errors"][0]["message"]


def test_a_version_that_is_missing_is_to_be_made(developer: Guest, process: str) -> None:
    for blob in (b"{}", b"layer"):
        developer.push_blob(blob)
    answer = developer.put("7", make_manifest())
    assert code(answer) == (400, "UNSUPPORTED")
    assert f"au2 process version create {process}" in answer.json()["errors"][0]["message"]


def test_images_of_processes_go_with_their_versions(
    backend: Backend, developer: Guest, process: str, image: SmallImage
) -> None:
    image.save(backend.blobs)
    number = backend.version(process, image_digest=image.manifest_digest)
    for reference in (str(number), image.manifest_digest):
        answer = developer.ask("DELETE", f"manifests/{reference}")
        assert code(answer) == (405, "UNSUPPORTED")
        assert "au2 process version delete" in answer.json()["errors"][0]["message"]
    assert developer.ask("GET", f"manifests/{number}").status_code == 200


def test_a_process_is_found_in_its_own_organization_only(
    backend: Backend, developer: Guest, process: str
) -> None:
    other = backend.organization("Second", None)
    backend.user("developer@example.com", "admin", other)
    developer.repository = f"org_{other.organization_id}/process_{process}"
    assert code(developer.ask("GET", "tags/list")) == (404, "NAME_UNKNOWN")
    assert code(developer.begin()) == (404, "NAME_UNKNOWN")


# -- names that mean no good -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "base",
        "org_x/base",
        "{org}",
        "{org}/",
        "{org}/Base",
        "{ORG}/base",
        "{org}/base%2F..%2Fother",
        "{org}/%2e%2e/%2e%2e/etc",
        "{org}/..%2f..%2fetc%2fpasswd",
        "{org}//base",
        "{org}/base%00",
        "{org}/b%C3%A4se",
        "{org}/process_1",
        "{org}/process_x/y",
        "{org}/" + "a" * 300,
        "{org}/" + "a" * 10_000,
        "{org}/" + "a/" * 5_000 + "a",
        "{org}/" + "a-" * 5_000 + "_",
    ],
    ids=lambda name: name[:30],
)
def test_a_name_that_is_none_is_unknown(developer: Guest, organization: Context, name: str) -> None:
    guid = organization.organization_id
    path = name.replace("{org}", f"org_{guid}").replace("{ORG}", f"org_{guid.upper()}")
    for answer in (
        developer.ask("GET", f"/v2/{path}/tags/list"),
        developer.ask("POST", f"/v2/{path}/blobs/uploads/"),
        developer.ask("PUT", f"/v2/{path}/manifests/1.0", content=make_manifest()),
    ):
        assert code(answer) == (404, "NAME_UNKNOWN")
        assert len(answer.content) < 1000


def test_a_name_with_the_end_of_a_line_is_nowhere(developer: Guest) -> None:
    developer.push("1.0")
    for path in (f"{developer.repository}%0A", f"%0A{developer.repository}"):
        answer = developer.ask("GET", f"/v2/{path}/tags/list")
        assert answer.status_code == 404
        assert "1.0" not in answer.text


@pytest.mark.parametrize("name", ["blobs/uploads", "tags/list", "manifests", "a/referrers/b"])
def test_a_name_may_look_like_a_path_of_the_registry(developer: Guest, name: str) -> None:
    developer.repository = developer.repository.replace("base", name)
    manifest = developer.push("1.0")
    assert developer.ask("GET", "manifests/1.0").content == manifest
    assert developer.ask("GET", "tags/list").json()["tags"] == ["1.0"]


def test_an_encoded_slash_is_one(developer: Guest) -> None:
    developer.push("1.0")
    path = developer.repository.replace("/", "%2F")
    assert developer.ask("GET", f"/v2/{path}/tags/list").json()["tags"] == ["1.0"]


@pytest.mark.parametrize("upload", ["x", "..", "%2e%2e%2fx", "a" * 10_000, "0" * 36])
def test_an_upload_that_is_none_is_unknown(developer: Guest, upload: str) -> None:
    answer = developer.ask("GET", f"blobs/uploads/{upload}")
    assert answer.status_code == 404
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "digest", ["x", "sha256:x", "sha256:" + "A" * 64, "sha256:%2e%2e", "a" * 9999]
)
def test_a_digest_that_is_none_is_refused(developer: Guest, digest: str) -> None:
    assert developer.ask("GET", f"blobs/{digest}").status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2/x", 404), ("POST", "/v2/", 405), ("PATCH", "/v2/token", 405)],
)
def test_what_is_not_part_of_it_is_refused_in_its_form(
    developer: Guest, method: str, path: str, status: int
) -> None:
    assert code(developer.ask(method, path)) == (status, "UNSUPPORTED")


def test_who_is_nobody_gets_nowhere(client: httpx.Client, developer: Guest) -> None:
    developer.push("1.0")
    here = f"/v2/{developer.repository}"
    for method, path in (
        *(("GET", path) for path in READS),
        ("POST", "blobs/uploads/"),
        ("PUT", "manifests/1.0"),
        ("DELETE", "manifests/1.0"),
        ("DELETE", f"blobs/{NOWHERE}"),
        ("GET", "blobs/uploads/x"),
    ):
        answer = client.request(method, f"{here}/{path}")
        assert code(answer) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")


# -- indexes ---------------------------------------------------------------------------------


def put_three(backend: Backend, process: str) -> tuple[Repository, list[PutManifest]]:
    """Push an image and two indexes around it to version 1 before its import has ended."""
    context = backend.services.processes.get(backend.actor(OPERATOR), process).context
    repository = process_repository(context.organization_id, process)
    services, actor = backend.services, backend.actor(OPERATOR)
    image = make_manifest()
    child = describe(MANIFEST, image) | {"platform": {"architecture": "amd64", "os": "linux"}}
    with backend.blobs.batch() as add:
        for blob in (b"{}", b"layer"):
            add(digest_of(blob), blob)
    blobs = [StoredBlob(digest_of(data), len(data)) for data in (b"{}", b"layer")]
    services.repository_blobs.link(repository, blobs)
    indexes = [
        json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [child],
                "annotations": {"name": name},
            }
        ).encode()
        for name in ("first", "second")
    ]
    manifests = services.repository_manifests
    put = [manifests.put(actor, repository, "1", image, MANIFEST)]
    put += [manifests.put(actor, repository, "1", index, INDEX) for index in indexes]
    return repository, put


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_who_is_answered_first_stays_the_versions_tag(
    backend: Backend, organization: Context, order: tuple[int, ...]
) -> None:
    """An image and two indexes around it may be pushed to a version at the same moment."""
    process = backend.process(organization)
    number = backend.version(process, ImageStatus.NONE)
    repository, put = put_three(backend, process)
    manifests, actor = backend.services.repository_manifests, backend.actor(OPERATOR)
    assert len({one.job.id for one in put if one.job is not None}) == 1, "one import serves all"
    with backend.database.write() as transaction:
        version = find_version(transaction, process, number)
        assert version is not None
        image = BuiltImage(put[0].digest)
        change_image_status(transaction, version, ImageStatus.AVAILABLE, image=image)

    first, *others = (put[each].digest for each in order)
    manifests.name(actor, repository, "1", first)
    for other in others:
        with pytest.raises(Conflict, match="has its image already"):
            manifests.name(actor, repository, "1", other)

    assert manifests.get(actor, repository, "1").digest == first
    # The same once more is fine, and nothing else.
    for each in put:
        data = manifests.get(actor, repository, each.digest).data
        if each.digest == first:
            assert manifests.put(actor, repository, "1", data, "").digest == first
        else:
            with pytest.raises(Conflict, match="has its image already"):
                manifests.put(actor, repository, "1", data, "")
