"""The manifest that an image from an archive gets."""

from io import BytesIO

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage, describe_layer, make_manifest
from au2.oci.archive.reader import read_archive
from au2.oci.decompression import Compression
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor, parse_manifest
from tests.support.images import image_archives as made
from tests.support.images.image_archives import on

IMAGE = made.make_image(b"one", b"two")
PLAIN = [describe_layer(sha256_of(data), len(data), Compression.NONE) for data in IMAGE.layers]


def choose(archive: bytes) -> ArchivedImage:
    return read_archive(BytesIO(archive), lambda member: None).choose(None, on("amd64"))


def stated(image: ArchivedImage) -> list[Descriptor]:
    return [layer.descriptor for layer in image.layers if layer.descriptor]


def test_the_same_image_from_different_tools_gets_the_same_manifest() -> None:
    old = make_manifest(choose(made.docker_20((IMAGE, ["a:1"]))), PLAIN)
    broken = make_manifest(choose(made.docker_25(IMAGE, manifest_layers=())), PLAIN)
    zstd = choose(made.buildx(IMAGE, pack=made.pack_zstd, layer_type=media_types.LAYER_ZSTD))
    assert old == broken == make_manifest(zstd, PLAIN)
    data, media_type = old
    assert media_type == media_types.MANIFEST
    manifest = parse_manifest(data)
    assert manifest.config == Descriptor(media_types.CONFIG, IMAGE.id, len(IMAGE.config))
    assert [layer.digest for layer in manifest.layers] == list(IMAGE.diff_ids)
    assert {layer.media_type for layer in manifest.layers} == {media_types.LAYER_TAR}


@pytest.mark.parametrize("archive", [made.docker_25(IMAGE), made.buildx(IMAGE)])
def test_an_archives_own_manifest_is_kept_to_the_byte(archive: bytes) -> None:
    image = choose(archive)
    assert make_manifest(image, stated(image)) == (image.manifest, media_types.MANIFEST)


def test_layers_that_came_packed() -> None:
    packed = [made.pack_gzip(data) for data in IMAGE.layers]
    layers = [describe_layer(sha256_of(data), len(data), Compression.GZIP) for data in packed]
    data, _ = make_manifest(choose(made.crane(IMAGE)), layers)
    assert list(parse_manifest(data).layers) == layers
    assert {layer.media_type for layer in layers} == {media_types.LAYER_GZIP}


def test_what_can_not_be_in_a_manifest() -> None:
    with pytest.raises(InvalidImage, match="compressed with zstd"):
        describe_layer(IMAGE.id, 1, Compression.ZSTD)
    with pytest.raises(InvalidImage, match="has 2 layers, not 1"):
        make_manifest(choose(made.crane(IMAGE)), PLAIN[:1])
