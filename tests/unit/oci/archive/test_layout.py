"""Archives laid out as each tool lays them out: the image found is the one that was put in."""

import gzip
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from backports import zstd

from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage
from au2.oci.archive.contents import BlobMember
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.reader import open_archive, read_archive
from au2.oci.decompression import Compression, decompressed
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from tests.support.images import image_archives as made
from tests.support.images.image_archives import NAME, HandMade, on

IMAGE = made.make_image(b"one", b"two", b"three")
TWICE = HandMade((IMAGE.layers[0], IMAGE.layers[1], IMAGE.layers[0], made.make_tar({})))
"""Has equal layers, and one of nothing but the end mark."""


def read(data: bytes) -> tuple[ArchiveDocuments, dict[str, bytes]]:
    seen: dict[str, bytes] = {}

    def take(member: BlobMember) -> None:
        seen[member.path] = b"".join(iter(lambda: member.content.read(1000), b""))
        assert len(seen[member.path]) == member.size_bytes
        assert member.digest in (None, sha256_of(seen[member.path]))

    return read_archive(BytesIO(data), take), seen


def check(image: HandMade, data: bytes, tmp_path: Path, name: str | None = None) -> ArchivedImage:
    documents, seen = read(data)
    found = documents.choose(name, on(image.architecture))
    assert found.config == image.config
    plain = [decompressed(BytesIO(seen[layer.path])).read() for layer in found.layers]
    assert plain == list(image.layers)
    assert tuple(layer.diff_id for layer in found.layers) == image.diff_ids
    for layer in found.layers:
        assert layer.size_bytes == len(seen[layer.path])
        if layer.descriptor is not None:
            assert layer.descriptor.digest == sha256_of(seen[layer.path])
    (tmp_path / "archive.tar").write_bytes(data)
    with (tmp_path / "archive.tar").open("rb") as file:
        opened = open_archive(file)
        assert opened is not None
        assert opened.documents.choose(name, on(image.architecture)) == found
        for layer in found.layers:
            assert opened.open(layer.path).read() == seen[layer.path]
    return found


@pytest.mark.parametrize("image", [IMAGE, TWICE])
def test_docker_up_to_24(image: HandMade, tmp_path: Path) -> None:
    found = check(image, made.docker_20((image, [NAME])), tmp_path)
    assert (found.names, found.manifest) == ((NAME,), None)
    assert len({layer.path for layer in found.layers}) == len(set(image.layers))


@pytest.mark.parametrize("image", [IMAGE, TWICE])
def test_docker_28(image: HandMade, tmp_path: Path) -> None:
    found = check(image, made.docker_25(image), tmp_path)
    assert found.names == (NAME,)
    assert found.manifest is not None
    assert found.manifest_media_type == media_types.MANIFEST


@pytest.mark.parametrize("image", [IMAGE, TWICE])
@pytest.mark.parametrize(
    "layers",
    [lambda image: (), lambda image: image.layers[::-1], lambda image: set(image.layers[1:])],
    ids=["none", "in another order", "equal ones once"],
)
def test_docker_25_with_a_manifest_that_is_wrong(
    image: HandMade, layers: Callable[[HandMade], tuple[bytes, ...]], tmp_path: Path
) -> None:
    found = check(image, made.docker_25(image, manifest_layers=tuple(layers(image))), tmp_path)
    assert (found.names, found.manifest) == ((NAME,), None)


@pytest.mark.parametrize("lists_untagged", [True, False])
def test_docker_25_without_a_tag(lists_untagged: bool, tmp_path: Path) -> None:
    data = made.docker_25(IMAGE, (), lists_untagged=lists_untagged)
    found = check(IMAGE, data, tmp_path)
    assert found.names == ()
    assert (found.manifest is not None) == lists_untagged
    for name in (IMAGE.id, IMAGE.id.removeprefix("sha256:")[:12]):
        assert check(IMAGE, data, tmp_path, name) == found


def test_docker_25_with_two_tags(tmp_path: Path) -> None:
    data = made.docker_25(IMAGE, ("one:1", "my-name/two:2"))
    found = check(IMAGE, data, tmp_path)
    assert found.names == ("one:1", "my-name/two:2")
    for name in ("one:1", "docker.io/library/one:1", "my-name/two:2", "one"):
        assert check(IMAGE, data, tmp_path, name) == found


@pytest.mark.parametrize("image", [IMAGE, TWICE])
def test_crane(image: HandMade, tmp_path: Path) -> None:
    found = check(image, made.crane(image), tmp_path)
    assert {layer.compression for layer in found.layers} == {Compression.GZIP}
    assert found.manifest is None


@pytest.mark.parametrize(
    ("pack", "compression", "layer_type"),
    [
        (bytes, Compression.NONE, media_types.LAYER_TAR),
        (bytes, Compression.NONE, media_types.DOCKER_LAYER_TAR),
        (bytes, Compression.NONE, media_types.NONDISTRIBUTABLE_TAR),
        (bytes, Compression.NONE, media_types.DOCKER_FOREIGN_TAR),
        (made.pack_gzip, Compression.GZIP, media_types.LAYER_GZIP),
        (made.pack_gzip, Compression.GZIP, media_types.NONDISTRIBUTABLE_GZIP),
        (made.pack_gzip, Compression.GZIP, media_types.DOCKER_FOREIGN_GZIP),
        (made.pack_zstd, Compression.ZSTD, media_types.LAYER_ZSTD),
        (made.pack_zstd, Compression.ZSTD, media_types.DOCKER_LAYER_ZSTD),
        (made.pack_zstd, Compression.ZSTD, media_types.NONDISTRIBUTABLE_ZSTD),
    ],
)
@pytest.mark.parametrize("image", [IMAGE, TWICE])
@pytest.mark.parametrize("attests", [True, False])
def test_buildx(
    image: HandMade,
    pack: made.Packing,
    compression: Compression,
    layer_type: str,
    attests: bool,
    tmp_path: Path,
) -> None:
    data = made.buildx(image, pack=pack, layer_type=layer_type, attests=attests)
    found = check(image, data, tmp_path)
    assert found.names == (NAME,)
    assert {layer.compression for layer in found.layers} == {compression}
    assert found.manifest is not None


def test_a_non_distributable_layer_that_was_left_out() -> None:
    data = made.buildx(IMAGE, layer_type=media_types.DOCKER_FOREIGN_GZIP)
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        files = {
            entry.name: file.read()
            for entry in archive
            if (file := archive.extractfile(entry)) is not None
        }
    left_out = made.blob(sha256_of(made.pack_gzip(IMAGE.layers[0])))
    del files[left_out]
    documents, _ = read(made.make_tar(files))
    with pytest.raises(InvalidImage, match=f"the layer '{left_out}' is not in the archive") as it:
        documents.choose(None, on("amd64"))
    assert "non-distributable" in str(it.value.hint)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("write", [made.docker_25, made.crane, made.buildx])
def test_compressed_outside(
    pack: made.Packing, write: Callable[[HandMade], bytes], tmp_path: Path
) -> None:
    data = write(IMAGE)
    documents, seen = read(pack(data))
    plain_documents, plain_seen = read(data)
    assert documents.choose(None, on("amd64")) == plain_documents.choose(None, on("amd64"))
    assert seen == plain_seen
    (tmp_path / "packed").write_bytes(pack(data))
    with (tmp_path / "packed").open("rb") as file:
        assert open_archive(file) is None
        assert read_archive(file, lambda member: None).names == (NAME,)


def test_layers_of_braces_are_kept() -> None:
    """A small layer whose first entry's name begins as JSON does is no document, but not lost."""
    layer = made.make_tar({'{"a": 1}': b"x", "[b": b"y"})
    image = HandMade((layer, IMAGE.layers[0]))
    documents, seen = read(made.docker_25(image))
    first, second = documents.choose(None, on("amd64")).layers
    assert documents.kept(first.path) == layer
    assert first.path not in seen
    assert documents.kept(second.path) is None
    assert seen[second.path] == IMAGE.layers[0]


def test_take_need_not_read() -> None:
    passed = []

    def take(member: BlobMember) -> None:
        passed.append(member.path)
        member.content.read(700 * (len(passed) % 3))

    documents = read_archive(BytesIO(made.docker_25(IMAGE)), take)
    assert sorted(passed) == sorted(
        layer.path for layer in documents.choose(None, on("amd64")).layers
    )
