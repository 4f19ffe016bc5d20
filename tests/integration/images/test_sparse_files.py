"""Layers with sparse files, beside Docker: what it loads is loaded, and looks the same."""

from io import BytesIO
from pathlib import Path

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.tar.layer import LayerLimits, read_layer
from tests.support.images.beside_docker import BesideDocker
from tests.support.images.docker import Docker
from tests.support.images.image_making import odd_image, shell
from tests.support.images.image_tools import ImageTools
from tests.support.images.sparse import FORMS, form_0_1, form_1_0, gnu_tar, write_sparse

MEBIBYTE = 1 << 20
PARTS = [(0, b"a" * 5000), (3 * MEBIBYTE, b"b"), (4 * MEBIBYTE - 7, b"c" * 7)]
FILES = {
    "two parts": (PARTS, 4 * MEBIBYTE),
    "hole at the end": (PARTS, 9 * MEBIBYTE + 1),
    "hole only": ([], MEBIBYTE),
}
LAYERS = {
    "parts": form_0_1([0, 3, 8, 2], 12, b"aaabb"),
    "parts 1.0": form_1_0([2, 0, 3, 8, 2], 12, b"aaabb"),
    "own name": form_1_0([1, 0, 1], 1, b"x", name="g"),
    "no part": form_0_1([], 5, b""),
    "no part 1.0": form_1_0([0], 5, b""),
    "empty parts": form_1_0([3, 0, 0, 4, 0, 5, 0], 5, b""),
    "out of order": form_0_1([8, 2, 0, 3], 12, b"aaabb"),
    "out of order 1.0": form_1_0([2, 8, 2, 0, 3], 12, b"aaabb"),
    "overlap": form_0_1([0, 3, 2, 2], 12, b"aaabb"),
    "beyond the end": form_1_0([1, 10, 5], 12, b"aaabb"),
    "less held": form_0_1([0, 5], 5, b"aaa"),
    "less held 1.0": form_1_0([1, 0, 5], 5, b"aaa"),
    "more held": form_0_1([0, 5], 5, b"aaaaaa"),
    "negative": form_0_1([0, -5], 5, b""),
    "no number": form_1_0([1, "x", 5], 5, b"aaaaa"),
    "count": form_0_1([0, 5], 5, b"aaaaa", numblocks="2"),
    "count 1.0": form_1_0([2, 0, 5], 5, b"aaaaa"),
}


@pytest.mark.parametrize("form", FORMS)
def test_sparse_files_look_the_same(
    beside: BesideDocker, busybox_layer: bytes, tmp_path: Path, form: str
) -> None:
    for name, (parts, size) in FILES.items():
        write_sparse(tmp_path / name, parts, size)
    script = 'for f in /*; do test ! -f "$f" || { stat -c "%s %A" "$f"; md5sum "$f"; }; done'
    image = odd_image(busybox_layer, gnu_tar(tmp_path, form), Cmd=shell(script))
    ours = beside.same(image)
    assert ours.exit_code == 0
    assert b"hole at the end" in ours.stdout
    # The holes take no room.
    found = [path.stat() for path in beside.native_harness.data_dir.rglob("hole at the end")]
    assert [(one.st_size, one.st_blocks < 100) for one in found][:1] == [(9 * MEBIBYTE + 1, True)]


@pytest.mark.parametrize("name", LAYERS)
def test_maps_are_judged_as_by_docker_and_podman(
    docker: Docker, image_tools: ImageTools, tmp_path: Path, name: str
) -> None:
    image = odd_image(LAYERS[name])
    archive = tmp_path / "image.tar"
    archive.write_bytes(image.docker_archive())
    loaded = docker("load", "-i", archive)
    try:
        members = list(read_layer(BytesIO(LAYERS[name]), LayerLimits(stream_bytes=MEBIBYTE)))
    except InvalidImage:
        assert loaded.exit_code != 0, loaded
        return
    assert loaded.exit_code == 0, loaded
    image_tools.podman("load", "-i", archive)
    docker.ok("rmi", image.id)
    assert [member.path for member in members] == ["g" if name == "own name" else "f"]
