"""An engine for local runs alone: a small data directory, and nothing left on the machine after."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from au2.engines.protocol import Engine
from au2.local.running_server import RUN_DIRECTORIES
from au2.stores.content.filesystem import FileContentStore

_KEPT_SECONDS = 14 * 86_400.0
"""All that is kept can be made again; what was not made for so long is removed."""


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """An opened engine, the store of its images, and the folder of both."""

    engine: Engine
    blobs: FileContentStore
    folder: Path


@contextmanager
def open_local_engine(folder: Path) -> Iterator[LocalEngine]:
    """Open the engine of the data directory ``folder``, which is made if needed.

    Several processes may have one open. Its network, like a server's, is named after its folder, so
    two never meet. The last process removes network and control groups again.

    Raises:
        Unsupported: this machine can't run containers; the message names the missing part.
    """
    folder = folder.resolve()
    # Containers' users come through, and see nothing.
    for made in (folder.parent, folder):
        made.mkdir(mode=0o711, parents=True, exist_ok=True)
    folder.chmod(0o711)
    blobs = FileContentStore(folder / "blobs")
    run_directory = RUN_DIRECTORIES / EnginePaths(folder, RUN_DIRECTORIES).instance
    engine = NativeEngine(blobs, folder, run_directory, NativeOptions())
    with (folder / "lock").open("w") as lock:
        if _is_alone(lock):
            _clean(engine, blobs, folder)
        fcntl.flock(lock, fcntl.LOCK_SH)
        engine.open()
        try:
            yield LocalEngine(engine, blobs, folder)
        finally:
            engine.close()
            if _is_alone(lock):
                engine.uninstall()


def _is_alone(lock: TextIO) -> bool:
    """Whether no other process has the engine open; none can before the lock is released."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clean(engine: Engine, blobs: FileContentStore, folder: Path) -> None:
    """Remove leftovers of killed runs, and old content."""
    for container_id in list(engine.list_containers()):
        engine.remove(container_id)
    blobs.clean_incoming(0)
    before = time.time() - _KEPT_SECONDS
    for kept in (*folder.glob("blobs/sha256/??/*"), *folder.glob("layers/*/*")):
        # Not the time of the last change, which an unpacked layer has from its archive.
        if kept.stat().st_ctime < before:
            if kept.is_dir():
                shutil.rmtree(kept, ignore_errors=True)
            else:
                kept.unlink()
