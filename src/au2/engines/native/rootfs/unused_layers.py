"""Removal of unused layers while containers are created and run.

A container that is created first notes its layers in a file of its own, under the lock of claims
that many may hold at once; only then it looks which are there, and unpacks those that are not. Who
removes a layer holds that lock alone while it reads all such notes and renames the folder. So
either the note came first, and the layer stays for as long as the container is there; or the new
name did, and the container finds the layer gone and unpacks it again. Files are removed after,
under the new name, which nobody looks for.
"""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from au2.domain.errors import EngineFailure
from au2.engines.native.host.commands import run_tool
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from au2.engines.native.rootfs.directories import remove_tree
from au2.engines.native.rootfs.layers import claims_locked, unpacking_locked

_LAYER = re.compile(r"[0-9a-f]{64}")
_INCOMING = re.compile(r"([0-9a-f]{64})\.incoming")
_REMOVING = re.compile(r"[0-9a-f]{64}\.removing-[0-9a-f]{32}")
_OTHER_IDS = re.compile(r"[0-9]+(-[0-9]+)?")
_PATIENCE_SECONDS = 3600.0


class UnusedLayers:
    """Unused unpacked layers of one installation."""

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
        """Remove layers that were unpacked for other host ids, once no container is there."""
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
        try:
            return _disk_bytes(self._folder / name)
        except EngineFailure:
            if (self._folder / name).exists():
                raise
            return None  # Somebody removed it meanwhile.

    def remove(self, name: str, older_than_seconds: float) -> int | None:
        """Remove a layer unless it stays; return the bytes freed."""
        if not self._is_old(name, older_than_seconds):
            return None
        aside = self._take_aside(name)
        if aside is None:
            return None
        size_bytes = _disk_bytes(aside)
        remove_tree(aside)
        return size_bytes

    def _take_aside(self, name: str) -> Path | None:
        """Rename a layer so that no container finds it; None if the layer is in use."""
        path = self._folder / name
        aside = self._folder / f"{name[:64]}.removing-{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):  # Somebody else who removes was quicker.
            if _LAYER.fullmatch(name):
                with claims_locked(self._locks, removing=True):
                    return None if name in self._claimed() else path.rename(aside)
            if _INCOMING.fullmatch(name):
                # Whoever unpacks holds the lock: it can only be left by one who was killed.
                with (
                    suppress(BlockingIOError),
                    unpacking_locked(self._locks, name),
                ):
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
        """Names of the layers that containers are made of."""
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
