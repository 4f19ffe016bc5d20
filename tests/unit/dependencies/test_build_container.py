"""Tool images of build containers, which garbage collection may remove."""

import os
import time
from pathlib import Path

from au2.dependencies.build_container import ToolImages
from au2.oci.tar.writer import LayerEntry, directory_entry
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.images.busybox import SmallImage


def make_tool() -> list[LayerEntry]:
    return [directory_entry("opt/tool", owner=0)]


def make_old(root: Path) -> None:
    then = time.time() - 7200
    for path in root.glob("sha256/??/*"):
        os.utime(path, (then, then))


def test_a_garbage_collected_tool_image_is_made_again(
    tmp_path: Path, busybox_image: SmallImage
) -> None:
    blobs = FileContentStore(tmp_path)
    images = ToolImages(blobs, make_tool, ())
    runtime = busybox_image.save(blobs)
    made = images.ensure(runtime)
    layers = load_image(blobs, made).manifest.layers
    for lost in (made, load_image(blobs, made).manifest.config.digest, layers[-1].digest):
        blobs.remove(lost)

        assert images.ensure(runtime) == made
        assert all(
            blobs.contains(layer.digest) for layer in load_image(blobs, made).manifest.layers
        )


def test_an_image_that_is_used_again_is_not_removed_under_the_build(
    tmp_path: Path, busybox_image: SmallImage
) -> None:
    blobs = FileContentStore(tmp_path)
    images = ToolImages(blobs, make_tool, ())
    runtime = busybox_image.save(blobs)
    made = images.ensure(runtime)
    make_old(tmp_path)

    images.ensure(runtime)

    manifest = load_image(blobs, made).manifest
    for digest in (made, manifest.config.digest, *(layer.digest for layer in manifest.layers)):
        assert blobs.expired_bytes(digest, lease_seconds=3600) is None
