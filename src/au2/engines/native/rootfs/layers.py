"""Layers unpacked on disk, each once, shared by all containers."""

import fcntl
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from au2.domain.errors import EngineFailure, InvalidImage
from au2.engines.layer_reader import open_layer
from au2.engines.native.host.system import (
    as_engine_failure,
    open_folder,
    run_tool,
    spread_folders,
    sync_file_system,
)
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from au2.engines.native.rootfs.directories import remove_tree
from au2.engines.native.rootfs.layer_tree import DiskBudget, MeteredStream, TreeWriter
from au2.engines.protocol import RUNNABLE_LAYERS
from au2.oci.spec.digest import hexadecimal
from au2.oci.spec.image import Image
from au2.stores.content.protocol import Provider

_CLAIMS = "claims"
_LOOK_SECONDS = 0.05
_LAYER = re.compile(r"[0-9a-f]{64}")
_INCOMING = re.compile(r"([0-9a-f]{64})\.incoming")
_REMOVING = re.compile(r"[0-9a-f]{64}\.removing-[0-9a-f]{32}")
_OTHER_IDS = re.compile(r"[0-9]+(-[0-9]+)?")
_PATIENCE_SECONDS = 3600.0


class LayerStore:
    """Unpacked layers by the digest of their uncompressed archive (diff_id)."""

    def __init__(self, blobs: Provider, folder: Path, options: NativeOptions) -> None:
        self._blobs = blobs
        self._options = options
        # With other ids the same layer is another tree.
        self._folder = folder / options.layers_name
        self._locks = folder / "locks"

    def claim(self, image: Image, note: Path) -> None:
        """Note the image's layers in the file ``note`` of a container.

        From then on no noted layer is removed (:class:`UnusedLayers`). :meth:`ensure_image` comes
        later, because only the note makes certain which layers are present.
        """
        names = "".join(f"{hexadecimal(diff_id)}\n" for diff_id in image.config.diff_ids)
        with as_engine_failure("note the layers of a container"), claims_locked(self._locks):
            note.write_text(names, "ascii")

    def ensure_image(
        self, image: Image, check: Callable[[], None] = lambda: None
    ) -> tuple[Path, ...]:
        """Unpack the missing layers; return the folders of all, lowest first.

        Of equal layers in one image the upper one counts, and has the content of the lower one too:
        Overlayfs does not take a folder twice.

        Args:
            image: with the layers.
            check: called now and then; its exceptions end the work without leftovers.

        Raises:
            BlobMissing, InvalidImage, StorageFull: see :meth:`au2.engines.protocol.Engine.prepare`.
        """
        _check_count(image)
        folders: dict[Path, None] = {}
        pairs = zip(image.manifest.layers, image.config.diff_ids, strict=True)
        for descriptor, diff_id in pairs:
            folder = self._ensure(descriptor.digest, diff_id, check)
            folders.pop(folder, None)
            folders[folder] = None
        return tuple(folders) or (self._ensure_empty(),)

    def _ensure(self, digest: str, diff_id: str, check: Callable[[], None]) -> Path:
        folder = self._folder / hexadecimal(diff_id)
        if not folder.is_dir():
            with as_engine_failure("unpack a layer"), self._locked(folder.name, check):
                if not folder.is_dir():
                    self._unpack(digest, diff_id, folder, check)
        return folder

    def _ensure_empty(self) -> Path:
        folder = self._folder / "empty"
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, self._options.id_base, self._options.id_base)
        return folder

    def _unpack(self, digest: str, diff_id: str, folder: Path, check: Callable[[], None]) -> None:
        incoming = folder.with_name(f"{folder.name}.incoming")
        if incoming.exists():
            remove_tree(incoming)  # Left by a killed process: the lock is ours.
        incoming.mkdir(mode=0o755)
        try:
            self._fill(digest, diff_id, incoming, check)
        except BaseException:
            # What went wrong first is what the caller must hear of; the next one clears it.
            with suppress(EngineFailure):
                remove_tree(incoming)
            raise
        incoming.rename(folder)

    def _fill(self, digest: str, diff_id: str, folder: Path, check: Callable[[], None]) -> None:
        with open_folder(folder) as root:
            os.fchown(root, self._options.id_base, self._options.id_base)
            os.fchmod(root, 0o755)
            self._write_tree(digest, diff_id, root, DiskBudget(root, check))
            # After a crash, the name must stand for a whole tree.
            sync_file_system(root)

    def _write_tree(self, digest: str, diff_id: str, root: int, budget: DiskBudget) -> None:
        options = self._options
        tree = TreeWriter(root, budget, id_base=options.id_base, id_count=options.id_count)
        try:
            # Both streams are metered: much may come out of little, and nothing out of much.
            with open_layer(
                self._blobs, digest, diff_id, lambda stream: MeteredStream(stream, budget)
            ) as members:
                for member in members:
                    tree.put(member)
            tree.finish()
        finally:
            tree.close()

    @contextmanager
    def _locked(self, name: str, check: Callable[[], None]) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spread_folders(self._folder)
        with unpacking_locked(self._locks, name, check):
            yield


def _check_count(image: Image) -> None:
    """Raise InvalidImage for more layers than the kernel's page of mount options can hold."""
    count = len(set(image.config.diff_ids))
    if count > RUNNABLE_LAYERS:
        raise InvalidImage(
            f"the image has {count} layers; at most {RUNNABLE_LAYERS} can be run",
            hint="Build it with fewer steps, or all in one layer (docker build --squash).",
        )


@contextmanager
def unpacking_locked(
    locks: Path, name: str, check: Callable[[], None] | None = None
) -> Iterator[None]:
    """Lock the unpacking of the layer ``name``, or the removal of its remains.

    A few locks serve all layers. An unpacking may take minutes: ``check`` is called during the
    wait, and its exceptions end the wait. Without ``check`` there is no wait.

    Raises:
        BlockingIOError: the lock is held, and there is no ``check``.
    """
    with _open(locks / name[:2]) as file:
        while not _try_lock(file, must=check is None):
            if check is not None:
                check()
            time.sleep(_LOOK_SECONDS)
        yield


@contextmanager
def claims_locked(locks: Path, *, removing: bool = False) -> Iterator[None]:
    """Lock the claims of layers: shared, or (``removing``) exclusively."""
    with _open(locks / _CLAIMS) as file:
        fcntl.flock(file, fcntl.LOCK_EX if removing else fcntl.LOCK_SH)
        yield


def _open(path: Path) -> TextIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.open("w")


def _try_lock(file: TextIO, *, must: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if must:
            raise
        return False
    return True


class UnusedLayers:
    """Unused unpacked layers of one installation, removed while containers are created and run.

    A new container first notes its layers in a file of its own, under the shared lock of claims;
    then the missing layers are unpacked. The removal of a layer takes the lock exclusively, reads
    all notes and renames the folder. So either the note came first, and the layer stays as long as
    the container exists; or the new name did, and the container unpacks the layer again. Files are
    removed afterwards, under the new name.
    """

    def __init__(self, paths: EnginePaths, options: NativeOptions) -> None:
        self._paths = paths
        self._folder = paths.layers / options.layers_name
        self._locks = paths.layers / "locks"

    def list_layers(self) -> Iterator[str]:
        """Names of layers, and of remains of layers."""
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if any(form.fullmatch(path.name) for form in (_LAYER, _INCOMING, _REMOVING)):
                    yield path.name

    def remove_other_ids(self) -> None:
        """Remove layers unpacked for other host ids, unless a container exists."""
        if any(self._paths.container_ids()):
            return
        for folder in self._paths.layers.iterdir():
            if folder != self._folder and _OTHER_IDS.fullmatch(folder.name):
                remove_tree(folder)

    def find(self, name: str, older_than_seconds: float) -> int | None:
        """Return a layer's bytes on disk; None if the layer stays or is not there."""
        if not self._is_old(name, older_than_seconds):
            return None
        if _LAYER.fullmatch(name) and name in self._claimed():
            return None
        return self.measure(name)

    def measure(self, name: str) -> int | None:
        """Return a layer's bytes on disk; None if the layer is not there."""
        try:
            return _disk_bytes(self._folder / name)
        except EngineFailure:
            if (self._folder / name).exists():
                raise
            return None  # Removed meanwhile.

    def remove(self, name: str, older_than_seconds: float) -> int | None:
        """Remove a layer unless needed; return the bytes freed."""
        if not self._is_old(name, older_than_seconds):
            return None
        aside = self._take_aside(name)
        if aside is None:
            return None
        size_bytes = _disk_bytes(aside)
        remove_tree(aside)
        return size_bytes

    def _take_aside(self, name: str) -> Path | None:
        """Rename a layer, out of the sight of containers; None for a used layer."""
        path = self._folder / name
        aside = self._folder / f"{name[:64]}.removing-{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):  # Another removal was quicker.
            if _LAYER.fullmatch(name):
                with claims_locked(self._locks, removing=True):
                    return None if name in self._claimed() else path.rename(aside)
            if _INCOMING.fullmatch(name):
                # An unpacking process holds the lock, so these are the remains of a killed one.
                with suppress(BlockingIOError), unpacking_locked(self._locks, name):
                    return path.rename(aside)
                return None
            return path if path.is_dir() else None
        return None

    def _is_old(self, name: str, seconds: float) -> bool:
        # Not the time of the last change, which an unpacked layer has from its archive. Getting its
        # name was the last that happened to the folder itself.
        with suppress(FileNotFoundError):
            return (self._folder / name).stat().st_ctime <= time.time() - seconds
        return False

    def _claimed(self) -> set[str]:
        found: set[str] = set()
        for container_id in self._paths.container_ids():
            with suppress(FileNotFoundError):
                note = self._paths.container(container_id).layers
                found.update(note.read_text("ascii").split())
        return found


def _disk_bytes(folder: Path) -> int:
    counted = run_tool(
        ["du", "--summarize", "--one-file-system", "--block-size=1", "--", str(folder)],
        timeout_seconds=_PATIENCE_SECONDS,
    )
    return int(counted.split(maxsplit=1)[0])
