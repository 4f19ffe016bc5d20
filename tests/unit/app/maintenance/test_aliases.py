"""Garbage collection and fsck of manifests with aliases (SHA-512) and with absent layers."""

import json
from typing import Any

import pytest
from sqlalchemy import delete

from au2.app.maintenance.fsck import IntegrityCheck, IntegrityReport
from au2.domain.processes.repository import Repository, StoredBlob
from au2.oci.spec.digest import sha256_of, sha512_of
from au2.oci.spec.media_types import (
    CONFIG,
    DOCKER_FOREIGN_GZIP,
    INDEX,
    LAYER_TAR,
    MANIFEST,
)
from au2.stores.database import tables
from tests.support.images.stored_images import StoredImages


def describe(media_type: str, data: bytes, *, by_alias: bool = True) -> dict[str, Any]:
    name = sha512_of(data) if by_alias else sha256_of(data)
    return {"mediaType": media_type, "digest": name, "size": len(data)}


def own(stored_images: StoredImages, name: str = "base") -> Repository:
    """A repository of the organization's own."""
    return Repository(stored_images.context.organization_id, name)


def send(
    stored_images: StoredImages, repository: Repository, *blobs: bytes, by_alias: bool = True
) -> None:
    """Push blobs."""
    found = [
        StoredBlob(stored_images.put(data), len(data), sha512_of(data) if by_alias else None)
        for data in blobs
    ]
    stored_images.backend.services.repository_blobs.link(repository, found)


def put(
    stored_images: StoredImages,
    repository: Repository,
    document: dict[str, Any],
    *,
    by_alias: bool = True,
) -> bytes:
    """Push a manifest or index; return it."""
    data = json.dumps({"schemaVersion": 2, **document}).encode()
    reference = sha512_of(data) if by_alias else sha256_of(data)
    manifests = stored_images.backend.services.repository_manifests
    manifests.put(stored_images.actor, repository, reference, data, "")
    return data


def image(layer: bytes, *, by_alias: bool = True) -> dict[str, Any]:
    """The document of an image of one layer."""
    return {
        "mediaType": MANIFEST,
        "config": describe(CONFIG, b"{}", by_alias=by_alias),
        "layers": [describe(LAYER_TAR, layer, by_alias=by_alias)],
    }


def without(layer: bytes) -> dict[str, Any]:
    """The document of an image whose only layer is non-distributable."""
    layers = [describe(DOCKER_FOREIGN_GZIP, layer, by_alias=False)]
    return {**image(layer, by_alias=False), "layers": layers}


def check(stored_images: StoredImages) -> IntegrityReport:
    backend = stored_images.backend
    integrity = IntegrityCheck(backend.database, backend.blobs, stored_images.layers, backend.clock)
    return integrity.run(quick=False, progress=lambda _: None)


def collect(stored_images: StoredImages) -> set[str]:
    """Collect what is old; return the digests that stay."""
    stored_images.make_old()
    stored_images.collect()
    return stored_images.present()


def test_aliases_keep_their_blobs_as_long_as_the_manifest_is_there(
    stored_images: StoredImages,
) -> None:
    repository = own(stored_images)
    send(stored_images, repository, b"{}", b"layer")
    manifest = put(stored_images, repository, image(b"layer"))
    child = describe(MANIFEST, manifest)
    index = put(stored_images, repository, {"mediaType": INDEX, "manifests": [child]})
    whole = {sha256_of(data) for data in (b"{}", b"layer", manifest, index)}
    manifests = stored_images.backend.services.repository_manifests
    # The index alone keeps its image, by the alias.
    manifests.delete(stored_images.actor, repository, sha256_of(manifest))

    assert collect(stored_images) == whole
    assert check(stored_images).findings == ()

    manifests.delete(stored_images.actor, repository, sha512_of(index))
    assert collect(stored_images) == set()
    assert stored_images.count("repository_blobs") == 0


def test_an_alias_that_nobody_knows_stops_no_collection_and_is_a_finding(
    stored_images: StoredImages,
) -> None:
    repository = own(stored_images)
    send(stored_images, repository, b"{}", b"layer")
    manifest = put(stored_images, repository, image(b"layer"))
    for data in (b"{}", b"layer"):
        stored_images.backend.blobs.remove(sha256_of(data))
    with stored_images.backend.database.write() as transaction:
        transaction.execute(delete(tables.repository_blobs))
    unneeded = stored_images.put(b"unneeded")

    findings = {one.digest: one for one in check(stored_images).findings}
    assert set(findings) == {sha512_of(b"{}"), sha512_of(b"layer")}
    for one in findings.values():
        assert (one.problem, one.is_missing) == ("missing", True)
        assert list(one.hits) == [f"{repository}@{sha256_of(manifest)}"]
        assert one.advise() == "push it again"
    assert unneeded not in collect(stored_images)
    send(stored_images, repository, b"{}", b"layer")
    assert check(stored_images).findings == ()


def test_an_absent_layer_keeps_nothing_and_is_no_finding(stored_images: StoredImages) -> None:
    repository = own(stored_images)
    send(stored_images, repository, b"{}", by_alias=False)
    manifest = put(stored_images, repository, without(b"layer"), by_alias=False)
    of_others = stored_images.put(b"layer")

    assert check(stored_images).findings == ()
    left = collect(stored_images)
    assert of_others not in left
    assert left == {sha256_of(b"{}"), sha256_of(manifest)}
    assert check(stored_images).findings == ()


@pytest.mark.parametrize("again", ["here", "elsewhere"])
def test_a_layer_that_came_later_is_kept(stored_images: StoredImages, again: str) -> None:
    repository = own(stored_images)
    send(stored_images, repository, b"{}", by_alias=False)
    put(stored_images, repository, without(b"layer"), by_alias=False)
    second = repository if again == "here" else own(stored_images, "second")
    send(stored_images, second, b"{}", b"layer", by_alias=False)
    put(stored_images, second, without(b"layer"), by_alias=False)

    assert sha256_of(b"layer") in collect(stored_images)
    stored_images.backend.blobs.remove(sha256_of(b"layer"))
    (finding,) = check(stored_images).findings
    assert (finding.digest, finding.is_missing) == (sha256_of(b"layer"), True)


def test_the_image_of_a_version_keeps_what_a_repository_lacks(
    stored_images: StoredImages,
) -> None:
    """The same manifest may be a version's, which has all its layers."""
    repository = own(stored_images)
    send(stored_images, repository, b"{}", by_alias=False)
    manifest = put(stored_images, repository, without(b"layer"), by_alias=False)
    layer = stored_images.put(b"layer")
    stored_images.version(sha256_of(manifest))

    assert layer in collect(stored_images)
