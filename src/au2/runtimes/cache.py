"""Built runtimes kept outside a data directory, so that another one need not build again."""

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from au2.domain.errors import Au2Error, DigestMismatch
from au2.oci.digest import sha256_of
from au2.oci.streams import CHUNK_BYTES
from au2.runtimes.packages import InstalledPackage
from au2.runtimes.store import ImageStore

_INDEX = "runtime.json"
_MOST_INDEX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class CachedRuntime:
    """What is kept of a build besides its layer."""

    layer_digest: str
    layer_bytes: int
    packages: tuple[InstalledPackage, ...]


class RuntimeCache:
    """A folder with one entry per key. What is damaged counts as not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str, blobs: ImageStore) -> CachedRuntime | None:
        """Return the entry once its layer is in ``blobs``, verified; None if there is none."""
        entry = self._folder / _file_name(key)
        cached = _read_index(entry / _INDEX, key)
        if cached is None or blobs.contains(cached.layer_digest):
            return cached
        try:
            _copy_in(entry / "layer.tar", cached, blobs)
        except (OSError, DigestMismatch):
            return None
        return cached

    def keep(self, key: str, runtime: CachedRuntime, blobs: ImageStore) -> None:
        """Add an entry, whole or not at all. A cache that can't be written is no failure."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            entry = Path(tempfile.mkdtemp(prefix=".incoming-", dir=self._folder))
            try:
                _write_entry(entry, key, runtime, blobs)
                self._replace(entry, self._folder / _file_name(key))
            finally:
                shutil.rmtree(entry, ignore_errors=True)

    def _replace(self, entry: Path, target: Path) -> None:
        try:
            entry.rename(target)
        except OSError:
            # There is one: damaged, or somebody else's and as good as ours.
            shutil.rmtree(target, ignore_errors=True)
            entry.rename(target)


def _file_name(key: str) -> str:
    return sha256_of(key.encode()).removeprefix("sha256:")[:32]


def _write_entry(entry: Path, key: str, runtime: CachedRuntime, blobs: ImageStore) -> None:
    with blobs.open(runtime.layer_digest) as source, (entry / "layer.tar").open("wb") as target:
        while data := source.read(CHUNK_BYTES):
            target.write(data)
        target.flush()
        os.fsync(target.fileno())
    document = {"key": key, **asdict(runtime)}
    (entry / _INDEX).write_text(json.dumps(document, sort_keys=True), encoding="utf-8")
    entry.chmod(0o755)


def _read_index(path: Path, key: str) -> CachedRuntime | None:
    try:
        if path.stat().st_size > _MOST_INDEX_BYTES:
            return None
        document: dict[str, Any] = json.loads(path.read_bytes())
        if document.pop("key") != key:
            return None
        packages = tuple(InstalledPackage(**package) for package in document.pop("packages"))
        return CachedRuntime(packages=packages, **document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _copy_in(path: Path, cached: CachedRuntime, blobs: ImageStore) -> None:
    digest, size_bytes = cached.layer_digest, cached.layer_bytes
    try:
        with path.open("rb") as file, blobs.writer(digest=digest, size_bytes=size_bytes) as writer:
            while data := file.read(CHUNK_BYTES):
                writer.write(data)
            writer.commit()
    except Au2Error as error:
        if error.code in {"storage-full", "too-large"}:
            raise
        raise DigestMismatch(f"{path} is damaged") from error
