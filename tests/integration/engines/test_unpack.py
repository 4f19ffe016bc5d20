"""Layers on disk: what overlayfs needs, and nothing outside the root whatever a layer says."""

import gzip
import hashlib
import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from au2.domain.errors import BlobMissing, InvalidImage, StorageFull
from au2.engines.native.host.system import open_in_root
from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layer_tree import DiskBudget, TreeWriter
from au2.engines.native.rootfs.layers import LayerStore
from au2.engines.protocol import RUNNABLE_LAYERS
from au2.oci.tar.layer import read_layer
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.images.busybox import make_image
from tests.support.images.image_making import Layer
from tests.support.machine.engine import NativeHarness

BASE = NativeOptions().id_base
INODES_OF_GROUP = 2048
"""What mkfs.ext4 gives a file system of 64 MiB."""
NET_BIND_AND_RAW = 1 << 10 | 1 << 13
CAPABILITY = struct.pack("<IIIII", 0x02000001, NET_BIND_AND_RAW, 0, 0, 0)


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., list[Path]]:
    """Unpack layers below ``tmp_path/layers``; return their folders."""

    def do(*layers: Layer, where: Path | None = None) -> list[Path]:
        blobs = FileContentStore(tmp_path / "blobs")
        digest = make_image([layer.data() for layer in layers]).save(blobs)
        store = LayerStore(blobs, where or tmp_path / "layers", NativeOptions())
        return list(store.ensure_image(load_image(blobs, digest)))

    return do


def is_whiteout(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path: Path) -> bool:
    return "trusted.overlay.opaque" in os.listxattr(path)


def left_over(tmp_path: Path) -> list[str]:
    folder = tmp_path / "layers" / str(BASE)
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_owners_modes_and_times(unpack: Callable[..., list[Path]]) -> None:
    layer = Layer().folder("d", mode=0o1777, mtime=1000).add("d/f", uid=7, gid=70_000, mtime=2000)
    layer.add("d/su", mode=0o6755, uid=0).link("d/l", "/nowhere").add("d/p", tarfile.FIFOTYPE)
    (folder,) = unpack(layer)
    status = (folder / "d/f").stat()
    assert (status.st_uid, status.st_gid, status.st_mtime) == (BASE + 7, BASE + 70_000, 2000)
    assert stat.S_IMODE((folder / "d/su").stat().st_mode) == 0o6755
    assert (folder / "d/l").lstat().st_uid == BASE
    assert stat.S_ISFIFO((folder / "d/p").stat().st_mode)
    folder_status = (folder / "d").stat()
    assert (folder_status.st_mtime, stat.S_IMODE(folder_status.st_mode)) == (1000, 0o1777)
    assert folder_status.st_uid == BASE


def test_missing_parents_are_made(unpack: Callable[..., list[Path]]) -> None:
    (folder,) = unpack(Layer().add("a/b/c", content=b"x"))
    assert (folder / "a/b/c").read_bytes() == b"x"
    assert (folder / "a/b").stat().st_uid == BASE


def test_hard_links(unpack: Callable[..., list[Path]]) -> None:
    (folder,) = unpack(Layer().add("a", content=b"x").hard_link("d/b", "a"))
    assert (folder / "a").stat().st_ino == (folder / "d/b").stat().st_ino


def test_whiteouts(unpack: Callable[..., list[Path]]) -> None:
    (folder,) = unpack(Layer().folder("d").add("d/.wh.gone").add("d/e/.wh..wh..opq"))
    assert is_whiteout(folder / "d/gone")
    assert is_opaque(folder / "d/e")
    assert not is_opaque(folder / "d")


@pytest.mark.parametrize("whiteout_first", [True, False])
def test_a_whiteout_beside_a_new_entry(
    unpack: Callable[..., list[Path]], *, whiteout_first: bool
) -> None:
    layer = Layer()
    if whiteout_first:
        layer.add(".wh.f").add(".wh.d").add(".wh.p")
    layer.add("f", content=b"new").folder("d").add("d/x").add("p/deep")
    if not whiteout_first:
        layer.add(".wh.f").add(".wh.d").add(".wh.p")
    (folder,) = unpack(layer)
    assert (folder / "f").read_bytes() == b"new"
    assert is_opaque(folder / "d")
    assert is_opaque(folder / "p")


def test_layers_merge_as_they_should(native_harness: NativeHarness, busybox_layer: bytes) -> None:
    first = Layer().add("d/old", content=b"1").add("e/old").add("f", content=b"1").add("g/h")
    second = Layer().add("d/.wh.old").add("e/.wh..wh..opq").add("e/new").add(".wh.f").add("g/i")
    image = make_image([busybox_layer, first.data(), second.data()])
    result = native_harness.run("ls /d /e /f /g", image=image.save(native_harness.blobs))
    assert result.stdout == b"/d:\n\n/e:\nnew\n\n/g:\nh\ni\n"


def test_the_same_layer_twice(native_harness: NativeHarness, busybox_layer: bytes) -> None:
    one = Layer().add("f", content=b"one").data()
    two = Layer().add("f", content=b"two").data()
    image = make_image([busybox_layer, one, two, one])
    assert native_harness.run("cat /f", image=image.save(native_harness.blobs)).stdout == b"one"


def test_very_many_layers(native_harness: NativeHarness, busybox_layer: bytes) -> None:
    layers = [Layer().add(f"many/{number}").data() for number in range(RUNNABLE_LAYERS)]
    image = make_image([busybox_layer, *layers[1:]]).save(native_harness.blobs)
    assert native_harness.run("ls /many | wc -l", image=image).stdout == b"129\n"
    too_many = make_image([busybox_layer, *layers]).save(native_harness.blobs)
    with pytest.raises(InvalidImage, match="131 layers; at most 130"):
        native_harness.engine.prepare(too_many)


def test_set_user_id_and_capabilities_work_inside(
    native_harness: NativeHarness, busybox_layer: bytes
) -> None:
    program = Path("/usr/bin/busybox").read_bytes()
    layer = Layer().add("super/busybox", mode=0o4755, content=program)
    xattrs = {"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1")}
    layer.add("able/busybox", mode=0o755, content=program, pax_headers=xattrs)
    image = make_image([busybox_layer, layer.data()], User="1000").save(native_harness.blobs)
    script = "/able/busybox cat /proc/self/status | grep CapEff; /super/busybox su nobody-there"
    free = native_harness.run(script, image=image, no_new_privileges=False)
    # The one of the two capabilities that containers may have.
    assert free.stdout == b"CapEff:\t0000000000000400\n"
    assert b"must be suid" not in free.stderr
    bound = native_harness.run(script, image=image)
    assert bound.stdout == b"CapEff:\t0000000000000000\n"
    assert b"must be suid" in bound.stderr


def test_attributes_of_overlayfs_are_not_taken(unpack: Callable[..., list[Path]]) -> None:
    names = ("trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.opaque", "user.x")
    xattrs = {f"SCHILY.xattr.{name}": "y" for name in names}
    (folder,) = unpack(Layer().folder("d", pax_headers=xattrs))
    assert os.listxattr(folder / "d") == ["user.x"]


def test_device_nodes_are_left_out(unpack: Callable[..., list[Path]]) -> None:
    layer = (
        Layer().add("disk", tarfile.BLKTYPE, devmajor=8).add("kmem", tarfile.CHRTYPE, devmajor=1)
    )
    (folder,) = unpack(layer)
    assert list(folder.iterdir()) == []


def test_links_in_the_way_stay_inside(unpack: Callable[..., list[Path]], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    ups = "../" * 30
    layer = Layer().folder(f"inside{outside}").link("abs", str(outside)).link("up", f"{ups}inside")
    layer.add("abs/one").add(f"up{outside}/two").link("slash", "/").add("slash/three")
    with pytest.raises(InvalidImage):
        unpack(layer)  # ``outside`` does not exist below the root.
    assert list(outside.iterdir()) == []
    assert left_over(tmp_path) == []


def test_links_lead_to_places_inside(unpack: Callable[..., list[Path]]) -> None:
    layer = Layer().folder("usr/lib").link("lib", "usr/lib").link("abs", "/usr/lib")
    layer.link("up", "../../../usr").add("lib/a").add("abs/b").add("up/lib/c").folder("lib/d")
    (folder,) = unpack(layer)
    assert sorted(path.name for path in (folder / "usr/lib").iterdir()) == ["a", "b", "c", "d"]
    assert (folder / "lib").is_symlink()


@pytest.mark.parametrize(
    "layer",
    [
        lambda out: Layer().link("l", out).add("l/new"),
        lambda out: Layer().link("l", f"{out}/file").add("l", content=b"evil"),
        lambda out: Layer().link("l", out).folder("l").add("l/new"),
        lambda out: Layer().hard_link("h", f"{out}/file").add("h", content=b"evil"),
        lambda out: Layer().link("l", out).hard_link("h", "l/file"),
        lambda out: Layer().link("l", f"{out}/file").hard_link("h", "l").add("h", content=b"evil"),
        lambda out: Layer().link("l", out).add("l/.wh.file"),
        lambda out: Layer().link("l", out).add("l/.wh..wh..opq"),
        lambda out: Layer().link("l", out).add("l/p", tarfile.FIFOTYPE),
        lambda out: Layer().link("l", out).link("l/x", "y"),
        lambda out: Layer().link("l", f"{out}/none").add("l", content=b"evil"),
        lambda out: Layer().folder("d").link("d/l", out).add("d/l/new").add("d/l/../file"),
        lambda out: Layer().link("l", "/proc/self/root" + out).add("l/new"),
        lambda out: Layer().link("l", "/proc/self/cwd").add("l/new"),
        lambda out: Layer().folder("l", mode=0o777).link("l", out).folder("l", mode=0o777),
        lambda _: Layer().add("../../../../outside/new"),
        lambda _: Layer().add("a/../../outside/new"),
    ],
)
def test_nothing_is_written_outside(
    unpack: Callable[..., list[Path]], tmp_path: Path, layer: Callable[[str], Layer]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "file").write_bytes(b"good")
    before = describe(outside)
    try:
        unpack(layer(str(outside)))
    except InvalidImage:
        assert left_over(tmp_path) == []
    assert describe(outside) == before


def describe(folder: Path) -> list[object]:
    """All that could be changed."""
    return [
        (path.name, status.st_mode, status.st_uid, status.st_nlink, status.st_mtime_ns)
        for path in (folder, *sorted(folder.iterdir()))
        if (status := path.lstat())
    ] + [(folder / "file").read_bytes(), os.listxattr(folder)]


@pytest.mark.parametrize(
    "layer",
    [
        Layer().hard_link("h", "none"),
        Layer().folder("d").hard_link("h", "d"),
        Layer().add("f").add("f/below"),
        Layer().link("loop", "loop").add("loop/x"),
        Layer().add("f", uid=1 << 31),
    ],
)
def test_impossible_layers_are_refused(
    unpack: Callable[..., list[Path]], tmp_path: Path, layer: Layer
) -> None:
    with pytest.raises(InvalidImage):
        unpack(layer)
    assert left_over(tmp_path) == []


def test_a_folder_becomes_a_file_and_back(unpack: Callable[..., list[Path]]) -> None:
    layer = Layer().add("x/deep/f").add("x", content=b"f").folder("x").add("x/g").add("x/h")
    (folder,) = unpack(layer)
    assert sorted(path.name for path in (folder / "x").iterdir()) == ["g", "h"]


def test_an_untrue_diff_id_is_refused(tmp_path: Path) -> None:
    blobs = FileContentStore(tmp_path / "blobs")
    layer = Layer().add("f").data()
    image = make_image([layer])
    (config,) = [data for data in image.blobs.values() if b"diff_ids" in data]
    untrue = config.replace(hashlib.sha256(layer).hexdigest().encode(), b"0" * 64)
    manifest = image.blobs[image.manifest_digest]
    manifest = manifest.replace(
        hashlib.sha256(config).hexdigest().encode(), hashlib.sha256(untrue).hexdigest().encode()
    )
    for data in (layer, untrue, manifest):
        with blobs.writer() as writer:
            writer.write(data)
            writer.commit()
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    store = LayerStore(blobs, tmp_path / "layers", NativeOptions())
    with pytest.raises(InvalidImage, match="diff_id"):
        store.ensure_image(load_image(blobs, digest))
    assert left_over(tmp_path) == []


def test_a_compressed_layer_under_its_own_digest_is_refused(tmp_path: Path) -> None:
    """It would be an image that runs here and nowhere else."""
    packed = gzip.compress(Layer().add("file", content=b"x").data())
    blobs = FileContentStore(tmp_path / "blobs")
    digest = make_image([packed]).save(blobs)
    store = LayerStore(blobs, tmp_path / "layers", NativeOptions())
    with pytest.raises(InvalidImage):
        store.ensure_image(load_image(blobs, digest))


def test_a_damaged_blob_is_told(tmp_path: Path) -> None:
    blobs = FileContentStore(tmp_path / "blobs")
    layer = Layer().add("f", content=b"content").data()
    digest = make_image([layer]).save(blobs)
    (path,) = (tmp_path / "blobs").rglob(hashlib.sha256(layer).hexdigest())
    path.chmod(0o600)
    path.write_bytes(layer.replace(b"content", b"c0ntent"))
    store = LayerStore(blobs, tmp_path / "layers", NativeOptions())
    with pytest.raises(BlobMissing):
        store.ensure_image(load_image(blobs, digest))
    assert left_over(tmp_path) == []


@contextmanager
def small_disk(folder: Path, options: str = "size=1m") -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk(unpack: Callable[..., list[Path]], tmp_path: Path) -> None:
    with small_disk(tmp_path / "layers"):
        with pytest.raises(StorageFull):
            unpack(Layer().add("big", content=b"x" * (2 << 20)))
        assert left_over(tmp_path) == []
        assert len(unpack(Layer().add("small"))) == 1


def deep(entries: int, depth: int) -> Layer:
    """A layer of few entries whose paths name many folders that it does not have."""
    layer = Layer()
    for number in range(entries):
        layer.add("/".join([f"{number:04}", *"a" * depth, "f"]))
    return layer


def test_few_entries_do_not_take_all_inodes(
    unpack: Callable[..., list[Path]], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "layers", "size=64m,nr_inodes=4000"):
        with pytest.raises(StorageFull, match="more files"):
            unpack(deep(20, 1000))
        assert left_over(tmp_path) == []
        # Only what was left for others, and the locks, is still taken.
        assert os.statvfs(tmp_path / "layers").f_favail > 3990
        assert len(unpack(deep(1, 1000))) == 1


def test_some_room_is_left_for_records(unpack: Callable[..., list[Path]], tmp_path: Path) -> None:
    with small_disk(tmp_path / "layers", "size=100m"):
        with pytest.raises(StorageFull):
            unpack(Layer().add("a", content=bytes(90 << 20)).add("b"))
        assert left_over(tmp_path) == []


def test_folders_that_only_paths_name_count(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    root = os.open(tmp_path / "tree", os.O_RDONLY | os.O_DIRECTORY)
    try:
        for most, fits in ((54, True), (53, False)):
            writer = TreeWriter(
                root,
                DiskBudget(root, lambda: None),
                id_base=BASE,
                id_count=65536,
                left_entries=most,
            )
            for member in read_layer(io.BytesIO(deep(1, 51).data())):
                below = replace(member, path=f"{most}/{member.path}")
                if fits:
                    writer.put(below)
                else:
                    with pytest.raises(InvalidImage, match="more files and folders"):
                        writer.put(below)
            writer.close()
    finally:
        os.close(root)


def test_paths_of_folders_are_not_kept_without_end(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    root = os.open(tmp_path / "tree", os.O_RDONLY | os.O_DIRECTORY)
    writer = TreeWriter(
        root,
        DiskBudget(root, lambda: None),
        id_base=BASE,
        id_count=65536,
        left_folder_characters=50,
    )
    try:
        members = read_layer(io.BytesIO(Layer().folder("a" * 30).folder("b" * 21).data()))
        first, second = members
        writer.put(first)
        writer.put(first)  # The same again is nothing more.
        with pytest.raises(InvalidImage, match="paths"):
            writer.put(second)
    finally:
        writer.close()
        os.close(root)


def test_unpacking_ends_when_it_is_to_end(tmp_path: Path) -> None:
    blobs = FileContentStore(tmp_path / "blobs")
    layer = Layer()
    for number in range(3000):
        layer.add(f"{number}")
    image = load_image(blobs, make_image([layer.data()]).save(blobs))
    store = LayerStore(blobs, tmp_path / "layers", NativeOptions())
    asked = []

    def check() -> None:
        asked.append(left_over(tmp_path))
        if len(asked) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.ensure_image(image, check)

    assert len(asked) == 2
    assert all(asked), "it is asked while the layer is unpacked"
    assert left_over(tmp_path) == []


def test_a_long_path_is_gone_down_once(
    unpack: Callable[..., list[Path]],
) -> None:
    """Not resolved from the root again for each of its parts."""
    resolved: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is open_in_root.__code__:
            resolved.append(frame.f_locals["path"])

    layer = Layer().link("b", "there").folder("there").add("b/" + "a/" * 500 + "f", content=b"1")
    sys.setprofile(note)
    try:
        (folder,) = unpack(layer)
    finally:
        sys.setprofile(None)
    assert (folder / "there" / ("a/" * 500) / "f").read_bytes() == b"1"
    assert "b" in resolved
    assert len(resolved) < 10


def test_unpacking_at_the_same_time(tmp_path: Path) -> None:
    blobs = FileContentStore(tmp_path / "blobs")
    layers = [Layer().add(f"{n}", content=os.urandom(100_000)).data() for n in range(4)]
    digests = [make_image(layers[: n + 1]).save(blobs) for n in range(4)]
    store = LayerStore(blobs, tmp_path / "layers", NativeOptions())
    errors: list[BaseException] = []

    def work(digest: str) -> None:
        try:
            store.ensure_image(load_image(blobs, digest))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(digest,)) for digest in digests * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(left_over(tmp_path)) == 4


def test_ext4_spreads_layers_over_the_disk(
    unpack: Callable[..., list[Path]], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(disk)], check=True)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "-o", "loop", str(disk), str(mounted)], check=True)
    try:
        for name in "abcd":
            unpack(Layer().add(name), where=mounted)
        flags = subprocess.run(
            ["lsattr", "-d", str(mounted / str(BASE))], check=True, capture_output=True, text=True
        )
        groups = {path.stat().st_ino // INODES_OF_GROUP for path in (mounted / str(BASE)).iterdir()}
    finally:
        subprocess.run(["umount", str(mounted)], check=True)

    assert "T" in flags.stdout.split()[0]
    assert len(groups) > 1


def test_what_a_killed_process_left_is_cleared(
    unpack: Callable[..., list[Path]], tmp_path: Path
) -> None:
    layer = Layer().add("f", content=b"whole")
    name = hashlib.sha256(layer.data()).hexdigest()
    partial = tmp_path / "layers" / str(BASE) / f"{name}.incoming"
    partial.mkdir(parents=True)
    (partial / "f").write_bytes(b"par")
    (folder,) = unpack(Layer().add("f", content=b"whole"))
    assert (folder / "f").read_bytes() == b"whole"
    assert left_over(tmp_path) == [name]


def test_an_image_without_layers(unpack: Callable[..., list[Path]]) -> None:
    (folder,) = unpack()
    assert list(folder.iterdir()) == []
