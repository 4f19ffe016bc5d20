"""Layers made to harm: nothing of it comes about, and nothing is left of what is refused."""

import gzip
import io
import os
import resource
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.domain.errors import InvalidImage, StorageFull
from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layers import LayerStore
from au2.oci.tar.layer import LayerLimits, read_layer
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.images.image_making import GZIP, Layer, odd_image

BASE = NativeOptions().id_base


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LayerStore]:
    folder = tmp_path / "layers"
    yield LayerStore(FileContentStore(tmp_path / "blobs"), folder, NativeOptions())
    # Python, and so pytest, can't remove what is nested so deeply.
    subprocess.run(["rm", "-rf", folder / str(BASE)], check=True)


def unpack(store: LayerStore, tmp_path: Path, *layers: Layer | bytes) -> list[Path]:
    blobs = FileContentStore(tmp_path / "blobs")
    return list(store.ensure_image(load_image(blobs, odd_image(*layers).save(blobs))))


def left_over(tmp_path: Path) -> list[str]:
    folder = tmp_path / "layers" / str(BASE)
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def nested(depth: int) -> Layer:
    """Folders deeper than any path is long: each entry goes on from a link to the last ones."""
    layer = Layer()
    step = "/".join(["d"] * 500)
    layer.folder(f"s/{step}").link("at0", f"s/{step}")
    for number in range(1, depth // 500):
        layer.folder(f"at{number - 1}/{step}")
        layer.link(f"at{number}", f"at{number - 1}/{step}")
    return layer


def test_folders_nested_deeply(store: LayerStore, tmp_path: Path) -> None:
    (folder,) = unpack(store, tmp_path, nested(5000))
    assert (folder / "at0").is_symlink()


def test_nothing_is_left_of_folders_nested_deeply(store: LayerStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match="hard link"):
        unpack(store, tmp_path, nested(5000).hard_link("h", "none"))
    assert left_over(tmp_path) == []


def test_a_deep_folder_gives_place(store: LayerStore, tmp_path: Path) -> None:
    (folder,) = unpack(store, tmp_path, nested(5000).add("s", content=b"file"))
    assert (folder / "s").read_bytes() == b"file"


def test_attributes_that_are_not_taken(store: LayerStore, tmp_path: Path) -> None:
    names = (
        *("trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy"),
        *("user.overlay.opaque", "user.overlay.whiteout", "security.selinux", "security.ima"),
        *("system.posix_acl_access", "trusted.x", "nonsense"),
    )
    headers = {f"SCHILY.xattr.{name}": "y" for name in names}
    layer = Layer().folder("d", pax_headers=headers).add("f", pax_headers=headers)
    (folder,) = unpack(store, tmp_path, layer)
    assert os.listxattr(folder / "d") == os.listxattr(folder / "f") == []


def test_whiteouts_of_overlayfs_are_not_taken(store: LayerStore, tmp_path: Path) -> None:
    (folder,) = unpack(store, tmp_path, Layer().add("bin", tarfile.CHRTYPE).add("kept"))
    assert [path.name for path in folder.iterdir()] == ["kept"]


@pytest.mark.parametrize("owner", [{"uid": 1 << 31}, {"gid": 2**32 - 2}, {"uid": 2**32 - 2}])
def test_set_user_id_beyond_the_id_map(
    store: LayerStore, tmp_path: Path, owner: dict[str, int]
) -> None:
    with pytest.raises(InvalidImage, match="ids up to 2147483647") as caught:
        unpack(store, tmp_path, Layer().add("f", mode=0o6755, **owner))
    assert caught.value.hint is not None
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "layer",
    [
        Layer().add(".wh..."),
        Layer().add("d/.wh.."),
        Layer().add(".wh."),
        Layer().add(".wh.a/b"),
        Layer().add("d/../../.wh.x"),
        Layer().add("a", pax_headers={"path": "../../a"}),
        Layer().hard_link("a", "../../etc/passwd"),
        Layer().add("a").hard_link("h", "/../a"),
        Layer().add("a", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}),
        Layer(tarfile.GNU_FORMAT).add("a", tarfile.GNUTYPE_SPARSE),
        Layer().add(".wh.a").hard_link("h", "a"),
    ],
    ids=range(11),
)
def test_refused(store: LayerStore, tmp_path: Path, layer: Layer) -> None:
    with pytest.raises(InvalidImage):
        unpack(store, tmp_path, layer)
    assert left_over(tmp_path) == []


def test_an_absolute_name_is_below_the_root(store: LayerStore, tmp_path: Path) -> None:
    layer = Layer().add("//etc//passwd", content=b"in").add("a", pax_headers={"path": "/b/./c"})
    (folder,) = unpack(store, tmp_path, layer)
    assert (folder / "etc/passwd").read_bytes() == b"in"
    assert (folder / "b/c").is_file()


class Entries(io.RawIOBase):
    """An endless archive of empty files, of which nothing is held."""

    def __init__(self) -> None:
        self._number = 0
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        self.taken += size
        blocks = b""
        while len(blocks) < size:
            entry = tarfile.TarInfo(f"f{self._number}")
            self._number += 1
            blocks += entry.tobuf(tarfile.USTAR_FORMAT)
        return blocks[:size]


def test_very_many_entries_are_judged_in_bounded_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    source = Entries()
    with pytest.raises(InvalidImage, match="more than 100000 entries"):
        for _ in read_layer(source, LayerLimits(entries=100_000)):
            pass
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 64 << 10
    assert time.monotonic() - began < 60
    assert source.taken < 100_000 * 512 + (8 << 20)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    size = 1 << 30
    header = tarfile.TarInfo("zeros")
    header.size = size
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as out:
        out.write(header.tobuf())
        for _ in range(size >> 20):
            out.write(bytes(1 << 20))
    assert len(packed.getvalue()) < 2 << 20
    packed.seek(0)
    with gzip.GzipFile(fileobj=packed) as stream, pytest.raises(InvalidImage, match="larger"):
        for _ in read_layer(stream, LayerLimits(stream_bytes=64 << 20)):
            pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "layers"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_bomb_that_fills_the_disk_leaves_nothing(
    store: LayerStore, tmp_path: Path, small_disk: Path
) -> None:
    blobs = FileContentStore(tmp_path / "blobs")
    bomb = odd_image(Layer().add("zeros", content=bytes(64 << 20)), packing=GZIP)
    digest = bomb.save(blobs)
    with pytest.raises(StorageFull):
        store.ensure_image(load_image(blobs, digest))
    assert left_over(tmp_path) == []
