"""What a check of all that is kept finds, and whom it says is hit."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from au2.app.maintenance.fsck import Finding, ImageIntegrity, IntegrityCheck, IntegrityReport
from au2.app.maintenance.references import ReferenceResolver
from au2.domain.processes.runtime import DependencyLayer
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import format_document
from au2.oci.spec.manifest import Descriptor
from au2.stores.content.images import load_image
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content.layers import put_dependency_layer
from au2.stores.database.content.roots import ImageRoot, RootKind
from tests.support.images.stored_images import StoredImages


def check_of(stored_images: StoredImages) -> IntegrityCheck:
    backend = stored_images.backend
    return IntegrityCheck(backend.database, backend.blobs, stored_images.layers, backend.clock)


def check(stored_images: StoredImages, *, quick: bool = False) -> IntegrityReport:
    return check_of(stored_images).run(quick=quick, progress=lambda _bytes: None)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def delete(path: Path) -> None:
    path.unlink()


HURTS = pytest.mark.parametrize("hurt", [flip, truncate, delete])


def test_nothing_is_found_where_all_is_whole(stored_images: StoredImages) -> None:
    backend = stored_images.backend
    runtime = stored_images.runtime(stored_images.image("runtime"))
    stored_images.upload({"main.py": b"print()"}, runtime)
    process, _ = stored_images.version(stored_images.image("one"))
    backend.services.versions.create_image_version(stored_images.actor, process)
    seen: list[int] = []
    found = check_of(stored_images).run(quick=False, progress=seen.append)
    assert found.findings == ()
    assert found.images == 2
    assert found.read_blobs == len(stored_images.present())
    assert sum(seen) == sum(map(backend.blobs.size_bytes, stored_images.present()))
    assert check(stored_images, quick=True).read_blobs == 0


@HURTS
@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
def test_each_part_of_a_version_is_looked_at(
    stored_images: StoredImages, part: str, hurt: Callable[[Path], None]
) -> None:
    image = stored_images.image("one")
    process, number = stored_images.version(image)
    stored_images.version(stored_images.image("two"))
    manifest = load_image(stored_images.backend.blobs, image).manifest
    digests = {
        "manifest": image,
        "config": manifest.config.digest,
        "layer": manifest.layers[0].digest,
    }
    hurt(stored_images.file_of(digests[part]))

    (finding,) = check(stored_images).findings

    assert finding.digest == digests[part]
    assert finding.is_missing == (hurt is delete)
    (owner,) = finding.hits
    assert f"version {number} " in owner
    assert process in owner
    assert "upload the same" in finding.advise()
    assert finding.digest not in finding.problem, "it is told already"
    # A quick check sees every size that does not match.
    if hurt is not flip or part == "manifest":
        assert [one.digest for one in check(stored_images, quick=True).findings] == [digests[part]]


@HURTS
def test_a_layer_that_several_have_names_them_all(
    stored_images: StoredImages, hurt: Callable[[Path], None]
) -> None:
    image = stored_images.image("shared")
    stored_images.version(image)
    stored_images.runtime(image)
    hurt(
        stored_images.file_of(
            load_image(stored_images.backend.blobs, image).manifest.layers[0].digest
        )
    )
    (finding,) = check(stored_images).findings
    assert len(finding.hits) == 2
    assert "runtime build" in finding.advise()


@HURTS
def test_what_was_pushed_is_looked_at(
    stored_images: StoredImages, hurt: Callable[[Path], None]
) -> None:
    image = stored_images.image("pushed")
    children = [image, sha256_of(b"never pushed")]
    descriptors = [Descriptor(media_types.MANIFEST, one, 1).to_document() for one in children]
    index = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": descriptors}
    digest = stored_images.put(format_document(index))
    at = stored_images.backend.clock()
    stored_images.row(
        "repository_tags",
        organization_id=stored_images.context.organization_id,
        repository="base",
        name="1",
        digest=digest,
        updated_at=at,
        updated_by="x",
    )
    assert check(stored_images).findings == ()
    layer = load_image(stored_images.backend.blobs, image).manifest.layers[0].digest
    hurt(stored_images.file_of(layer))
    (finding,) = check(stored_images).findings
    assert finding.digest == layer
    assert list(finding.hits) == [f"org_{stored_images.context.organization_id}/base:1"]


@HURTS
def test_dependencies_and_files_are_looked_at(
    stored_images: StoredImages, hurt: Callable[[Path], None]
) -> None:
    layer, file = stored_images.put(b"layer"), sha256_of(b"print()")
    stored = DependencyLayer(sha256_of(b"key"), None, layer, 5, {})
    with stored_images.backend.database.write() as transaction:
        put_dependency_layer(transaction, stored, at=stored_images.backend.clock())
    begun = stored_images.upload(
        {"main.py": b"print()"}, stored_images.runtime(stored_images.image("runtime"))
    )
    stored_images.finish(begun, stored_images.image("built"))
    assert check(stored_images).findings == ()
    for digest in (layer, file):
        hurt(stored_images.file_of(digest))

    found = {finding.digest: finding for finding in check(stored_images).findings}

    assert set(found) == {layer, file}
    assert list(found[layer].hits) == [f"dependencies kept as {stored.key}"]
    assert "files of version 1" in next(iter(found[file].hits))
    assert "sent again" in found[file].advise()


def test_nonsense_in_a_repository_is_nobodys_damage(stored_images: StoredImages) -> None:
    blob = stored_images.put(b"of somebody else")
    config = Descriptor(media_types.CONFIG, blob, 1).to_document()
    index = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": [], "config": config}
    untyped = {"schemaVersion": 2, "config": config}  # Once taken where it came as an index.
    for data in (format_document(index), format_document(untyped), b'{"config": 5}'):
        stored_images.row(
            "repository_manifests",
            organization_id=stored_images.context.organization_id,
            repository="base/debian",
            digest=stored_images.put(data),
            media_type=media_types.INDEX,
            size_bytes=len(data),
            annotations={},
            pushed_at=stored_images.backend.clock(),
            pushed_by="x",
        )
    assert check(stored_images).findings == ()
    assert check(stored_images, quick=True).findings == ()
    truncate(stored_images.file_of(blob))
    for quick in (False, True):
        (finding,) = check(stored_images, quick=quick).findings
        assert (finding.digest, len(finding.hits)) == (blob, 1)


def test_what_has_not_come_yet_is_no_fault(stored_images: StoredImages) -> None:
    begun = stored_images.upload(
        {"main.py": b"print()"}, stored_images.runtime(stored_images.image("runtime"))
    )
    stored_images.backend.blobs.remove(sha256_of(b"print()"))
    assert begun.upload.state == "open"
    assert check(stored_images).findings == ()


@pytest.mark.parametrize("hurt", [flip, truncate])
def test_damage_that_hits_nobody_is_told(
    stored_images: StoredImages, hurt: Callable[[Path], None]
) -> None:
    digest = stored_images.put(b"lonely")
    hurt(stored_images.file_of(digest))
    (finding,) = check(stored_images).findings
    assert (finding.digest, finding.hits) == (digest, {})
    assert "nothing needs it" in finding.advise()


def test_an_untrue_form_of_a_blob_is_found(stored_images: StoredImages) -> None:
    image = stored_images.image("one")
    stored_images.version(image)
    raw = load_image(stored_images.backend.blobs, image).manifest.layers[0].digest
    packed = stored_images.put(gzip.compress(b"layer of onE", mtime=0))
    stored_images.backend.blobs.remove(raw)
    stored_images.backend.blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    (finding,) = check(stored_images).findings
    assert finding.digest == raw
    assert len(finding.hits) == 1


@pytest.mark.parametrize("hurt", [flip, truncate])
def test_a_damaged_blob_hits_those_who_have_it_in_another_form(
    stored_images: StoredImages, hurt: Callable[[Path], None]
) -> None:
    image = stored_images.image("one")
    stored_images.version(image)
    raw = load_image(stored_images.backend.blobs, image).manifest.layers[0].digest
    packed = stored_images.put(gzip.compress(b"layer of one", mtime=0))
    stored_images.backend.blobs.remove(raw)
    stored_images.backend.blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    assert check(stored_images).findings == ()
    hurt(stored_images.file_of(packed))
    (finding,) = check(stored_images).findings
    assert finding.digest == packed
    assert len(finding.hits) == 1


def test_what_is_damaged_is_removed_so_that_it_comes_again(stored_images: StoredImages) -> None:
    begun = stored_images.upload(
        {"main.py": b"print()"}, stored_images.runtime(stored_images.image("runtime"))
    )
    digest, lonely = sha256_of(b"print()"), stored_images.put(b"lonely")
    for one in (digest, lonely):
        flip(stored_images.file_of(one))
    uploads = stored_images.backend.services.uploads
    assert uploads.get(stored_images.actor, begun.upload.id).missing == [], "it counts as had"
    found = check(stored_images)
    stored_images.put(b"lonely")

    assert check_of(stored_images).remove_damaged(found) == 1

    assert lonely in stored_images.present(), "it has come anew"
    assert uploads.get(stored_images.actor, begun.upload.id).missing == [
        digest.removeprefix("sha256:")
    ]


def test_unpacked_layers_of_no_image_are_only_told(stored_images: StoredImages) -> None:
    image = stored_images.image("one")
    stored_images.version(image)
    (diff_id,) = load_image(stored_images.backend.blobs, image).config.diff_ids
    stored_images.layers.sizes = {diff_id.removeprefix("sha256:"): 1, "0" * 64: 1, "x.incoming": 1}
    found = check(stored_images)
    assert found.findings == ()
    assert found.stray_layers == 2


class CountedBlobs:
    """A blob store that counts the documents read from it."""

    def __init__(self, blobs: Any) -> None:
        self._blobs = blobs
        self.read: list[str] = []

    def read_bytes(self, digest: str, *, limit_bytes: int) -> Any:
        self.read.append(digest)
        return self._blobs.read_bytes(digest, limit_bytes=limit_bytes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)


def make_index(stored_images: StoredImages, children: list[str], name: str = "") -> str:
    descriptors = [Descriptor(media_types.INDEX, one, 1).to_document() for one in children]
    index = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": descriptors}
    return stored_images.put(format_document(index | {"annotations": {"name": name}}))


def test_each_of_many_nested_indexes_is_looked_at_once(stored_images: StoredImages) -> None:
    """Whoever may push may nest them as deep, and name each as often, as they like."""
    image = stored_images.image("inmost")
    deep = image
    for _ in range(1100):
        deep = make_index(stored_images, [deep])
    wide = [image, image]
    for _ in range(10):
        wide = [make_index(stored_images, wide, name) for name in ("left", "right")]
    layer = load_image(stored_images.backend.blobs, image).manifest.layers[0].digest
    stored_images.backend.blobs.remove(layer)
    blobs = CountedBlobs(stored_images.backend.blobs)
    findings: dict[str, Finding] = {}
    check = ImageIntegrity(cast(ContentStore, blobs), findings, ReferenceResolver({}, {}))

    check.check_image(ImageRoot(RootKind.REPOSITORY, deep, "deep", is_run=False))
    check.check_image(ImageRoot(RootKind.REPOSITORY, wide[0], "wide", is_run=False))

    assert set(findings[layer].hits) == {"deep", "wide"}
    assert len(blobs.read) == (1100 + 1) + (1 + 9 * 2 + 1)
