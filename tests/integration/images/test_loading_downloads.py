"""Images in every form that the store keeps, loaded by the oldest Docker that is served."""

import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd

from au2.oci.spec import media_types
from tests.support.built_versions import add_image_version
from tests.support.busybox import SmallImage, digest_of, make_image, make_layer
from tests.support.docker import Docker
from tests.support.world import OPERATOR, World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        yield world


def keep_compressed(world: World, layers: list[tuple[bytes, bytes, str]]) -> SmallImage:
    """An image of layers, each with the blob that it is kept as and that one's media type.

    The store knows what the blobs hold, as it does when they were imported.
    """
    plain = make_image([layer for layer, _, _ in layers], command=("cat", "/told"))
    manifest = json.loads(plain.blobs[plain.manifest_digest])
    manifest["layers"] = [
        {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}
        for _, blob, media_type in layers
    ]
    data = json.dumps(manifest).encode()
    config = plain.blobs[manifest["config"]["digest"]]
    with world.blobs.batch() as add:
        for _, blob, _ in layers:
            add(digest_of(blob), blob)
    for layer, blob, _ in layers:
        if layer != blob:
            world.blobs.keep_compressed(digest_of(layer), len(layer), compressed=digest_of(blob))
    blobs = {digest_of(item): item for item in (config, data)}
    return SmallImage(digest_of(data), blobs)


def test_plain_gzip_and_zstd_layers(world: World, busybox_layer: bytes, docker: Docker) -> None:
    first, second = make_layer({"told": b"wrong\n"}), make_layer({"told": b"right\n"})
    third, fourth = make_layer({"third": b""}), make_layer({"fourth": b""})
    image = keep_compressed(
        world,
        [
            (busybox_layer, gzip.compress(busybox_layer), media_types.DOCKER_LAYER_GZIP),
            (first, first, media_types.LAYER_TAR),
            (second, zstd.compress(second), media_types.LAYER_ZSTD),
            (third, zstd.compress(third), media_types.DOCKER_LAYER_ZSTD),
            (fourth, gzip.compress(fourth), media_types.DOCKER_FOREIGN_GZIP),
        ],
    )
    process = world.process(world.organization())
    number = add_image_version(world, process, image)

    archive = world.services.version_archives.open_image(
        world.actor(OPERATOR), process, number, "localhost:8080"
    )
    with tempfile.TemporaryFile() as file:
        file.writelines(archive.blocks())
        file.seek(0)
        docker.load(file)

    organization = world.services.processes.get(world.actor(OPERATOR), process).context
    repository = f"org_{organization.organization_id}/process_{process}"
    ran = docker.ok("run", "--rm", f"localhost:8080/{repository}:{number}")
    assert ran.text == "right\n"
