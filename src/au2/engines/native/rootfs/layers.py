"""Layers unpacked on disk, each once, shared by all containers."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from au2.domain.errors import BlobMissing, DigestMismatch, EngineFailure, InvalidImage
from au2.engines.diff_id import DiffIdReader
from au2.engines.native.host.commands import as_engine_failure
from au2.engines.native.host.system_calls import spread_folders, sync_file_system
from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.directories import remove_tree
from au2.engines.native.rootfs.disk_budget import DiskBudget, MeteredStream
from au2.engines.native.rootfs.layer_tree import TreeWriter
from au2.engines.protocol import RUNNABLE_LAYERS
from au2.oci.decompression import decompressed
from au2.oci.spec.digest import hexadecimal
from au2.oci.spec.image import Image
from au2.oci.tar.layer import read_layer
from au2.stores.content.protocol import Provider

_CLAIMS = "claims"
_LOOK_SECONDS = 0.05


class LayerStore:
    """Unpacked layers by the digest of their uncompressed archive (diff_id)."""

    def __init__(self, blobs: Provider, folder: Path, options: NativeOptions) -> None:
        self._blobs = blobs
        self._options = options
        # With other ids the same layer is another tree.
        self._folder = folder / options.layers_name
        self._locks = folder / "locks"

    def claim(self, image: Image, note: Path) -> None:
        """Note in the file ``note`` of a container that it is made of the image's layers.

        From then on no layer of the note is removed (:mod:`.unused_layers`). :meth:`ensure_image`
        comes after, because only then it is certain which layers are there.
        """
        names = "".join(f"{hexadecimal(diff_id)}\n" for diff_id in image.config.diff_ids)
        with as_engine_failure("note the layers of a container"), claims_locked(self._locks):
            note.write_text(names, "ascii")

    def ensure_image(
        self, image: Image, check: Callable[[], None] = lambda: None
    ) -> tuple[Path, ...]:
        """Unpack the layers that are not yet here; return the folders of all, lowest first.

        Where an image has the same layer twice, the upper one counts: it brings back all that
        the lower one brought. Overlayfs does not take a folder twice.

        Args:
            image: whose layers.
            check: called now and then; what it raises ends the work, and nothing is left of it.

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
            remove_tree(incoming)  # Left by somebody who was killed: we have the lock.
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
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fchown(root, self._options.id_base, self._options.id_base)
            os.fchmod(root, 0o755)
            self._write_tree(digest, diff_id, root, DiskBudget(root, check))
            # A name that is there after a crash must stand for a whole tree.
            sync_file_system(root)
        finally:
            os.close(root)

    def _write_tree(self, digest: str, diff_id: str, root: int, budget: DiskBudget) -> None:
        options = self._options
        tree = TreeWriter(root, budget, id_base=options.id_base, id_count=options.id_count)
        try:
            with self._blobs.open(digest) as blob:
                # Both sides are watched: much may come out of little, and nothing out of much.
                packed = MeteredStream(blob, budget)
                # Not compressed, it is the blob itself, whose digest is checked while it is read.
                checked = None
                if digest != diff_id:
                    checked = DiffIdReader(MeteredStream(decompressed(packed), budget), diff_id)
                for member in read_layer(checked or packed, must_end=False):
                    tree.put(member)
                if checked is not None:
                    checked.check()
            tree.finish()
        except DigestMismatch as error:
            raise BlobMissing(f"the layer {digest} is damaged: {error.message}") from error
        finally:
            tree.close()

    @contextmanager
    def _locked(self, name: str, check: Callable[[], None]) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spread_folders(self._folder)
        with unpacking_locked(self._locks, name, check):
            yield


def _check_count(image: Image) -> None:
    """Raise InvalidImage for more layers than the kernel's page of mount options has room for."""
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
    """Be the only one to unpack the layer ``name``, or to clear up after who did.

    A few locks serve for all layers. Whoever holds one may unpack for minutes: ``check`` is called
    while that is waited for, and what it raises ends the waiting. Without it nobody waits.

    Raises:
        BlockingIOError: without ``check``, if it is held.
    """
    with _open(locks / name[:2]) as file:
        while not _try_lock(file, must=check is None):
            if check is not None:
                check()
            time.sleep(_LOOK_SECONDS)
        yield


@contextmanager
def claims_locked(locks: Path, *, removing: bool = False) -> Iterator[None]:
    """Claim layers beside others who do, or (``removing``) let nobody claim any."""
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
