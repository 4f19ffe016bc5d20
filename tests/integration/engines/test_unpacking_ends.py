"""Unpacking ends when it is to end, whatever it is at; and leaves what others need of the disk."""

import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from au2.domain.errors import StorageFull
from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layer_tree import DiskBudget
from au2.engines.native.rootfs.layers import LayerStore, unpacking_locked
from au2.oci.spec.digest import hexadecimal
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.images.busybox import digest_of
from tests.support.images.image_making import GZIP, Layer, odd_image
from tests.support.machine.memory_disk import mounted_in_memory

MIB = 1 << 20


class Ended(Exception):
    """What a check raises here."""


class Checks:
    """A check that raises when it is asked for the n-th time."""

    def __init__(self, last: int = 1 << 30) -> None:
        self.count = 0
        self._last = last

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._last:
            raise Ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "layers"


def unpack(folder: Path, layer: Layer, check: Callable[[], None], packing: str = GZIP) -> None:
    blobs = FileContentStore(folder.parent / "blobs")
    image = load_image(blobs, odd_image(layer, packing=packing).save(blobs))
    LayerStore(blobs, folder, NativeOptions()).ensure_image(image, check)


def left_over(folder: Path) -> list[str]:
    return [path.name for path in (folder / str(NativeOptions().id_base)).iterdir()]


def devices() -> Layer:
    layer = Layer()
    for number in range(80_000):
        layer.add(f"{number}", tarfile.CHRTYPE)
    return layer


def bookkeeping() -> Layer:
    return Layer().add(".wh..wh.plnk", content=bytes(40 * MIB))


@pytest.mark.parametrize("make", [devices, bookkeeping])
@pytest.mark.parametrize("packing", [GZIP, ""])
def test_while_nothing_is_made(folder: Path, make: Callable[[], Layer], packing: str) -> None:
    with pytest.raises(Ended):
        unpack(folder, make(), Checks(2), packing)
    assert left_over(folder) == []


def test_while_the_times_of_folders_are_set(folder: Path) -> None:
    def layer() -> Layer:
        layer = Layer()
        for number in range(1500):
            layer.folder(f"{number}")
        return layer

    checks = Checks()
    unpack(folder / "whole", layer(), checks)
    with pytest.raises(Ended):
        unpack(folder, layer(), Checks(checks.count))
    assert left_over(folder) == []
    assert checks.count == 3, "once at the start, once in making them, once in setting their times"


def test_while_somebody_else_unpacks_the_same_layer(folder: Path) -> None:
    layer = Layer().add("file")
    name = hexadecimal(digest_of(layer.data()))
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(Ended):
            unpack(folder, layer, Checks(2))
        ended.set()

    waiting = threading.Thread(target=wait, daemon=True)
    with unpacking_locked(folder / "locks", name):
        waiting.start()
        waiting.join(60)
        assert ended.is_set()
    assert left_over(folder) == []


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    with mounted_in_memory(folder, "40m"):
        yield folder


def test_small_layers_leave_something_too(disk: Path) -> None:
    """An image may have many, each too small to be looked at on its way."""
    (disk / "filling").write_bytes(bytes(39 * MIB))
    with pytest.raises(StorageFull, match="does not fit"):
        unpack(disk, Layer().add("small"), Checks())
    assert left_over(disk) == []
    (disk / "filling").unlink()
    unpack(disk, Layer().add("small"), Checks())


def test_files_count_as_more_than_their_bytes(disk: Path) -> None:
    checks = Checks()
    root = os.open(disk, os.O_RDONLY | os.O_DIRECTORY)
    try:
        room = DiskBudget(root, checks)
        room.spend(size_bytes=1)
        room.spend(size_bytes=15 * MIB)
        assert checks.count == 1
        room.spend(inodes=300)
    finally:
        os.close(root)
    assert checks.count == 2
