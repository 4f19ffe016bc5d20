"""Manifests, tags and referrers of an organization's own repository."""

import json
from typing import Any

import pytest

from au2.oci.spec.media_types import DOCKER_FOREIGN_GZIP
from tests.integration.registry.guest import (
    CONFIG,
    LAYER,
    MANIFEST,
    NOWHERE,
    Guest,
    code,
    describe,
    make_manifest,
)
from tests.support.images.busybox import digest_of

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SIGNATURE = "application/vnd.example.signature"


def test_an_image_is_pushed_and_pulled(developer: Guest) -> None:
    manifest = developer.push("1.0")
    digest = digest_of(manifest)
    again = developer.put("1.0", manifest)
    assert again.status_code == 201
    assert again.headers["Docker-Content-Digest"] == digest
    assert "OCI-Subject" not in again.headers
    for reference in ("1.0", digest):
        answer = developer.ask("GET", f"manifests/{reference}")
        assert (answer.status_code, answer.content) == (200, manifest)
        assert answer.headers["Content-Type"] == MANIFEST
        head = developer.ask("HEAD", f"manifests/{reference}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Docker-Content-Digest"] == digest
        assert head.headers["Content-Length"] == str(len(manifest))
    assert developer.ask("GET", again.headers["Location"]).content == manifest


@pytest.mark.parametrize("reference", ["nothing", NOWHERE])
def test_a_manifest_that_is_not_there_is_unknown(developer: Guest, reference: str) -> None:
    developer.push("1.0")
    answer = developer.ask("GET", f"manifests/{reference}")
    assert code(answer) == (404, "MANIFEST_UNKNOWN")
    assert developer.ask("HEAD", f"manifests/{reference}").status_code == 404
    assert code(developer.ask("DELETE", f"manifests/{reference}")) == (404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize("reference", [".INVALID", "sha256:1", "a" * 10_000])
def test_under_a_name_that_can_not_be_nothing_is_found(
    developer: Guest, stranger: Guest, reference: str
) -> None:
    """The specification's own conformance tests ask so for what is not there."""
    answer = developer.ask("GET", f"manifests/{reference}")
    assert code(answer) == (404, "MANIFEST_UNKNOWN")
    assert developer.ask("HEAD", f"manifests/{reference}").status_code == 404
    assert code(stranger.ask("GET", f"manifests/{reference}")) == (404, "NAME_UNKNOWN")
    assert developer.put(reference, make_manifest()).status_code == 400


def test_a_blob_is_no_manifest(developer: Guest) -> None:
    digest = developer.push_blob(b'{"schemaVersion": 2}')
    assert code(developer.ask("GET", f"manifests/{digest}")) == (404, "MANIFEST_UNKNOWN")


def test_tags_are_listed_page_by_page(developer: Guest) -> None:
    for tag in ("c", "a", "B", "d"):
        developer.push(tag)
    whole = developer.ask("GET", "tags/list")
    assert whole.json() == {"name": developer.repository, "tags": ["B", "a", "c", "d"]}
    assert "Link" not in whole.headers
    page = developer.ask("GET", "tags/list", params={"n": "3"})
    assert page.json()["tags"] == ["B", "a", "c"]
    following = developer.ask("GET", page.links["next"]["url"])
    assert following.json()["tags"] == ["d"]
    assert "Link" not in following.headers
    assert developer.ask("GET", "tags/list", params={"n": "0"}).json()["tags"] == []
    assert developer.ask("GET", "tags/list", params={"last": "aa"}).json()["tags"] == ["c", "d"]


@pytest.mark.parametrize("count", ["-1", "x", "1e3", "9" * 5000, "٣"])
def test_a_count_that_is_none_is_refused(developer: Guest, count: str) -> None:
    answer = developer.ask("GET", "tags/list", params={"n": count})
    assert code(answer) == (400, "PAGINATION_NUMBER_INVALID")


def test_a_tag_moves_and_what_it_was_on_stays(developer: Guest) -> None:
    old = developer.push("latest", b"old")
    new = developer.push("latest", b"new")
    assert developer.ask("GET", "manifests/latest").content == new
    assert developer.ask("GET", f"manifests/{digest_of(old)}").content == old
    assert developer.ask("GET", "tags/list").json()["tags"] == ["latest"]


def test_a_tag_is_deleted_alone_and_a_manifest_with_its_tags(developer: Guest) -> None:
    manifest = developer.push("one")
    for tag in ("two", "three"):
        assert developer.put(tag, manifest).status_code == 201
    digest = digest_of(manifest)
    assert developer.ask("DELETE", "manifests/one").status_code == 202
    assert developer.ask("GET", "manifests/one").status_code == 404
    assert developer.ask("GET", f"manifests/{digest}").status_code == 200
    assert developer.ask("GET", "tags/list").json()["tags"] == ["three", "two"]
    assert developer.ask("DELETE", f"manifests/{digest}").status_code == 202
    for reference in ("two", digest):
        assert developer.ask("GET", f"manifests/{reference}").status_code == 404
    assert developer.ask("GET", "tags/list").json()["tags"] == []


def test_an_index_names_manifests_that_have_come(developer: Guest) -> None:
    manifest = make_manifest()
    index = json.dumps(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, manifest)]}
    ).encode()
    assert code(developer.put("all", index, INDEX)) == (400, "MANIFEST_BLOB_UNKNOWN")
    developer.push("one")
    assert developer.put("all", index, INDEX).status_code == 201
    answer = developer.ask("GET", "manifests/all")
    assert (answer.content, answer.headers["Content-Type"]) == (index, INDEX)


# -- referrers -------------------------------------------------------------------------------


def test_what_is_about_an_image_is_found(developer: Guest) -> None:
    image = developer.push("1.0")
    subject = describe(MANIFEST, image)
    signature = make_manifest(
        subject=subject, artifactType=SIGNATURE, annotations={"by": "somebody"}
    )
    put = developer.put(digest_of(signature), signature)
    assert (put.status_code, put.headers["OCI-Subject"]) == (201, digest_of(image))
    developer.push("plain", subject=subject)

    found = developer.ask("GET", f"referrers/{digest_of(image)}")
    assert found.headers["Content-Type"] == INDEX
    assert "OCI-Filters-Applied" not in found.headers
    kinds = {entry["artifactType"] for entry in found.json()["manifests"]}
    assert kinds == {SIGNATURE, CONFIG}

    chosen = developer.ask(
        "GET", f"referrers/{digest_of(image)}", params={"artifactType": SIGNATURE}
    )
    assert chosen.headers["OCI-Filters-Applied"] == "artifactType"
    expected = describe(MANIFEST, signature) | {
        "artifactType": SIGNATURE,
        "annotations": {"by": "somebody"},
    }
    assert chosen.json()["manifests"] == [expected]


def test_what_is_about_an_image_is_told_page_by_page(developer: Guest) -> None:
    image = developer.push("1.0")
    manifests = [
        make_manifest(
            subject=describe(MANIFEST, image),
            artifactType=SIGNATURE,
            annotations={"large": letter * (3 << 19)},
        )
        for letter in "abc"
    ]
    for manifest in manifests:
        assert developer.put(digest_of(manifest), manifest).status_code == 201
    developer.push("plain", subject=describe(MANIFEST, image))

    first = developer.ask(
        "GET", f"referrers/{digest_of(image)}", params={"artifactType": SIGNATURE}
    )
    second = developer.ask("GET", first.links["next"]["url"])

    assert "next" not in second.links
    assert second.headers["OCI-Filters-Applied"] == "artifactType"
    pages = [answer.json()["manifests"] for answer in (first, second)]
    assert [len(page) for page in pages] == [2, 1]
    found = [entry["digest"] for page in pages for entry in page]
    assert sorted(found) == sorted(map(digest_of, manifests))


def test_nothing_is_about_what_is_not_there(developer: Guest) -> None:
    answer = developer.ask("GET", f"referrers/{NOWHERE}")
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])
    assert code(developer.ask("GET", "referrers/latest")) == (400, "DIGEST_INVALID")


def test_what_is_about_an_image_may_come_before_it(developer: Guest) -> None:
    image = make_manifest(b"later")
    developer.push("signature", subject=describe(MANIFEST, image))
    found = developer.ask("GET", f"referrers/{digest_of(image)}").json()["manifests"]
    assert len(found) == 1


# -- manifests that mean no good -------------------------------------------------------------


def test_what_a_manifest_names_must_have_come(developer: Guest) -> None:
    developer.push_blob(b"{}")
    assert code(developer.put("1.0", make_manifest())) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert developer.ask("GET", "tags/list").json()["tags"] == []
    digest = digest_of(make_manifest())
    assert code(developer.ask("GET", f"manifests/{digest}")) == (404, "MANIFEST_UNKNOWN")


def test_a_non_distributable_layer_may_be_absent(developer: Guest) -> None:
    layer = describe(DOCKER_FOREIGN_GZIP, b"layer")
    manifest = make_manifest(layers=[layer, describe(DOCKER_FOREIGN_GZIP, b"more")])
    developer.push_blob(b"{}")
    answer = developer.put("1.0", manifest)
    assert answer.status_code == 201
    assert answer.headers["Warning"] == (
        f'299 - "The layer {layer["digest"]} (and 1 more) is not here, '
        'so no container can run this image."'
    )
    assert developer.ask("GET", "manifests/1.0").content == manifest
    assert developer.ask("GET", f"blobs/{layer['digest']}").status_code == 404
    for data in (b"layer", b"more"):
        developer.push_blob(data)
    whole = developer.put("1.0", manifest)
    assert whole.status_code == 201
    assert "Warning" not in whole.headers


def test_no_other_blob_may_be_absent(developer: Guest) -> None:
    developer.push_blob(b"{}")
    foreign, plain = describe(DOCKER_FOREIGN_GZIP, b"layer"), describe(LAYER, b"layer")
    config = describe(DOCKER_FOREIGN_GZIP, b"other")
    for manifest in (
        make_manifest(layers=[foreign, plain]),
        make_manifest(layers=[foreign], config=config),
        make_manifest(layers=[config], config=config),
    ):
        assert code(developer.put("1.0", manifest)) == (400, "MANIFEST_BLOB_UNKNOWN")
    developer.push_blob(b"layer")
    untrue = make_manifest(layers=[foreign | {"size": 6}])
    assert code(developer.put("1.0", untrue)) == (400, "MANIFEST_INVALID")


def test_a_blob_of_another_size_is_not_the_one_named(developer: Guest) -> None:
    developer.push("1.0")
    config = describe(CONFIG, b"{}") | {"size": 3}
    assert code(developer.put("1.1", make_manifest(config=config))) == (400, "MANIFEST_INVALID")


def test_no_blob_is_named_with_two_sizes(developer: Guest) -> None:
    developer.push("1.0")
    layers = [describe(LAYER, b"layer") | {"size": 6}, describe(LAYER, b"layer")]
    assert code(developer.put("1.1", make_manifest(layers=layers))) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize(
    "fields",
    [{"config": 5}, {"config": describe(CONFIG, b"{}") | {"size": 9}}, {"layers": []}],
    ids=str,
)
def test_an_index_has_no_parts_of_an_image(developer: Guest, fields: dict[str, Any]) -> None:
    developer.push("right")
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []} | fields
    answer = developer.put("wrong", json.dumps(index).encode(), INDEX)
    assert code(answer) == (400, "MANIFEST_INVALID")


def test_a_document_is_what_it_was_stated_to_be(developer: Guest) -> None:
    """One without a type of its own is read by what it has in it, by all who get it later."""
    developer.push("right")
    untyped = json.loads(make_manifest())
    del untyped["mediaType"]
    data = json.dumps(untyped).encode()
    assert code(developer.put("wrong", data, INDEX)) == (400, "MANIFEST_INVALID")
    bare = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    assert code(developer.put("wrong", bare, MANIFEST)) == (400, "MANIFEST_INVALID")
    for reference, document, stated in (
        ("image", data, DOCKER_MANIFEST),
        ("index", bare, INDEX),
    ):
        assert developer.put(reference, document, stated).status_code == 201
        answer = developer.ask("GET", f"manifests/{reference}")
        assert (answer.content, answer.headers["Content-Type"]) == (document, stated)


def test_a_manifest_is_what_its_digest_says(developer: Guest) -> None:
    developer.push("1.0")
    assert code(developer.put(NOWHERE, make_manifest())) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"not JSON",
        b"\xff\xfe",
        b"[" * 500_000,
        b'{"a":' * 300_000,
        b'{"schemaVersion": 2, "schemaVersion": 2}',
        b'{"schemaVersion": ' + b"9" * 100_000 + b"}",
        b'{"schemaVersion": 1e999}',
        b'{"schemaVersion": NaN}',
        b'{"schemaVersion": 2, "config": "\\ud800"}',
    ],
    ids=lambda data: data[:12].decode("latin-1"),
)
def test_json_that_means_no_good_is_refused(developer: Guest, data: bytes) -> None:
    assert code(developer.put("1.0", data)) == (400, "MANIFEST_INVALID")
    assert developer.ask("GET", "tags/list").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"schemaVersion": 1},
        {"schemaVersion": True},
        {"mediaType": "text/html"},
        {"mediaType": INDEX},
        {"manifests": []},
        {"layers": {}},
        {"layers": [None]},
        {"layers": [{"digest": "sha256:../../x", "size": 1, "mediaType": "a"}]},
        {"config": None},
        {"config": describe(CONFIG, b"{}") | {"size": -1}},
        {"config": describe(CONFIG, b"{}") | {"size": 1 << 70}},
        {"subject": "latest"},
        {"annotations": {"a": 1}},
        {"annotations": {"a": "\0"}},
        {"artifactType": "x" * 300},
    ],
    ids=str,
)
def test_a_manifest_of_wrong_form_is_refused(developer: Guest, fields: dict[str, Any]) -> None:
    developer.push("right")
    answer = developer.put("wrong", make_manifest(**fields))
    assert code(answer) == (400, "MANIFEST_INVALID")
    assert developer.ask("GET", "tags/list").json()["tags"] == ["right"]


def test_a_manifest_that_is_too_large_is_refused(developer: Guest) -> None:
    assert code(developer.put("1.0", b" " * (5 << 20))) == (413, "SIZE_INVALID")


@pytest.mark.parametrize("tag", ["-a", ".a", "a" * 129, "a%20b", "a%00", "%C3%A9", "a:b"])
def test_a_tag_that_is_none_is_refused(developer: Guest, tag: str) -> None:
    manifest = developer.push("right")
    assert developer.put(tag, manifest).status_code == 400
    assert code(developer.ask("GET", f"manifests/{tag}")) == (404, "MANIFEST_UNKNOWN")
    assert developer.ask("GET", "tags/list").json()["tags"] == ["right"]
