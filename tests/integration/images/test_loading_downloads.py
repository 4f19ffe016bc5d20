"""Images in every form that the store keeps, loaded by the oldest Docker that is served."""

import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd

from au2.oci.spec import media_types
from tests.support.images.busybox import SmallImage, digest_of, make_image, make_layer
from tests.support.images.docker import Docker
from tests.support.packages.built_versions import add_image_version
from tests.support.servers.backend import OPERATOR, Backend, open_backend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(tmp_path) as backend:
        yield backend


def keep_compressed(backend: Backend, layers: list[tuple[bytes, bytes, str]]) -> SmallImage:
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
    with backend.blobs.batch() as add:
        for _, blob, _ in layers:
            add(digest_of(blob), blob)
    for layer, blob, _ in layers:
        if layer != blob:
            backend.blobs.keep_compressed(digest_of(layer), len(layer), compressed=digest_of(blob))
    blobs = {digest_of(item): item for item in (config, data)}
    return SmallImage(digest_of(data), blobs)


def test_plain_gzip_and_zstd_layers(backend: Backend, busybox_layer: bytes, docker: Docker) -> None:
    first, second = make_layer({"told": b"wrong\n"}), make_layer({"told": b"right\n"})
    third, fourth = make_layer({"third": b""}), make_layer({"fourth": b""})
    image = keep_compressed(
        backend,
        [
            (busybox_layer, gzip.compress(busybox_layer), media_types.DOCKER_LAYER_GZIP),
            (first, first, media_types.LAYER_TAR),
            (second, zstd.compress(second), media_types.LAYER_ZSTD),
            (third, zstd.compress(third), media_types.DOCKER_LAYER_ZSTD),
            (fourth, gzip.compress(fourth), media_types.DOCKER_FOREIGN_GZIP),
        ],
    )
    process = backend.process(backend.organization())
    number = add_image_version(backend, process, image)

    archive = backend.services.version_archives.open_image(
        backend.actor(OPERATOR), process, number, "localhost:8080"
    )
    with tempfile.TemporaryFile() as file:
        file.writelines(archive.blocks())
        file.seek(0)
        docker.load(file)

    organization = backend.services.processes.get(backend.actor(OPERATOR), process).context
    repository = f"org_{organization.organization_id}/process_{process}"
    ran = docker.ok("run", "--rm", f"localhost:8080/{repository}:{number}")
    assert ran.text == "right\n"
