from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from au2.domain.errors import BlobMissing, InvalidImage
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.image import ConfigChanges, append_layers
from au2.oci.tar.layer import read_layer
from au2.oci.tar.writer import LayerEntry, file_entry, with_parents
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image, save_image, save_layer
from tests.support.images.docker_archive import write_docker_archive
from tests.support.images.new_image import make_image


def a_file(path: str, data: bytes) -> LayerEntry:
    return file_entry(path, len(data), lambda: BytesIO(data))


@pytest.fixture
def store(tmp_path: Path) -> FileContentStore:
    return FileContentStore(tmp_path / "blobs")


def save_base(store: FileContentStore) -> str:
    layer = save_layer(store, [a_file("base", b"base")], "base")
    return save_image(store, *make_image(ImageConfig("amd64", env=("A=1",)), [layer]))


def damage(store: FileContentStore, folder: Path, digest: str) -> None:
    digits = digest.removeprefix("sha256:")
    path = folder / "blobs" / "sha256" / digits[:2] / digits
    path.write_bytes(b"X" + path.read_bytes()[1:])


def test_what_is_saved_is_loaded(store: FileContentStore) -> None:
    digest = save_base(store)
    image = load_image(store, digest)
    assert image.manifest_digest == digest
    assert image.config.env == ("A=1",)
    assert image.config.diff_ids == tuple(layer.digest for layer in image.manifest.layers)
    (layer,) = image.manifest.layers
    with store.open(layer.digest) as stream:
        assert [member.path for member in read_layer(stream)] == ["base"]


def test_a_package_on_a_base_has_the_same_digest_each_time(store: FileContentStore) -> None:
    base = load_image(store, save_base(store))
    digests = set()
    for _ in range(2):
        layer = save_layer(store, with_parents([a_file("package/main.py", b"x")]), "package")
        changes = ConfigChanges(labels={"b": "2", "a": "1"}, working_dir="/package")
        digests.add(save_image(store, *append_layers(base.manifest, base.config, [layer], changes)))
    (digest,) = digests
    image = load_image(store, digest)
    assert len(image.manifest.layers) == 2
    assert image.manifest.layers[0] == base.manifest.layers[0]
    assert image.config.working_dir == "/package"


def test_an_image_can_be_archived_from_the_store(store: FileContentStore) -> None:
    out = BytesIO()
    write_docker_archive(load_image(store, save_base(store)), store, out, "a:1")
    out.seek(0)
    assert "manifest.json" in [member.path for member in read_layer(out)]


def test_an_image_whose_layer_is_missing_is_not_named(store: FileContentStore) -> None:
    layer = save_layer(store, [a_file("a", b"a")])
    manifest, config = make_image(ImageConfig("amd64"), [layer])
    store.remove(layer.diff_id)
    with pytest.raises(BlobMissing):
        save_image(store, manifest, config)
    assert list(store.list_digests()) == []


def test_a_manifest_of_another_configuration(store: FileContentStore) -> None:
    manifest, config = make_image(ImageConfig("amd64"), [])
    with pytest.raises(InvalidImage, match="another configuration"):
        save_image(store, manifest, replace(config, user="0"))


def test_missing_and_damaged_blobs(store: FileContentStore, tmp_path: Path) -> None:
    digest = save_base(store)
    config_digest = load_image(store, digest).manifest.config.digest
    damage(store, tmp_path, config_digest)
    with pytest.raises(BlobMissing, match="damaged"):
        load_image(store, digest)
    store.remove(config_digest)
    with pytest.raises(BlobMissing, match="not in the store"):
        load_image(store, digest)
    damage(store, tmp_path, digest)
    with pytest.raises(BlobMissing, match="damaged"):
        load_image(store, digest)
    store.remove(digest)
    with pytest.raises(BlobMissing):
        load_image(store, digest)


def test_a_layer_that_fails_leaves_nothing(store: FileContentStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidImage):
        save_layer(store, [a_file("../a", b"a")])
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


def test_a_size_that_lies(store: FileContentStore) -> None:
    manifest, config = make_image(ImageConfig("amd64"), [])
    lying = replace(manifest, config=replace(manifest.config, size_bytes=1))
    digest = save_image(store, lying, config)
    with pytest.raises(InvalidImage, match="size"):
        load_image(store, digest)
