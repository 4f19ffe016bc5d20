"""Cache of dependency layers: equal requests on one runtime share one layer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock as ThreadLock
from typing import Any, NamedTuple, Protocol, TypeVar

from au2.dependencies.build_container import BuildRun
from au2.dependencies.file_cache import FileCache
from au2.dependencies.installer import (
    Installer,
    InstallResult,
    InstallTask,
    Request,
    parse_lock,
)
from au2.domain.errors import BlobMissing
from au2.domain.processes.runtime import DependencyLayer
from au2.domain.wording import count_of
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import AddedLayer
from au2.oci.spec.manifest import Descriptor
from au2.oci.tar.writer import MODIFIED_AT
from au2.stores.content.images import save_layer
from au2.stores.content.protocol import IngesterProvider

_FORMAT = 1
"""Grows with each change that gives the same request another layer."""
_WAIT_SECONDS = 0.5
_CREATED_BY = "au2 dependencies"

_Request = TypeVar("_Request", bound=Request)


@dataclass(frozen=True, slots=True)
class BuiltDependencies:
    """The dependency layer of one package."""

    layer: AddedLayer
    lock: Mapping[str, Any]
    """:class:`~au2.dependencies.installer.Lock` as JSON."""
    programs: str
    """Folder of the installed programs, to stand first in ``PATH``."""


class InstalledDependencies(NamedTuple):
    """Everything installed for one package."""

    base_digest: str
    """Image below the package's own layers: the runtime, with the Debian packages if there are."""
    language: BuiltDependencies | None
    """Dependencies of the package's language."""
    lock: Mapping[str, Any] | None
    """Lock of the language's dependencies and, under ``debian``, of the Debian packages."""


class LayerIndex(Protocol):
    """Index of the dependency layers, by key."""

    def find(self, key: str) -> DependencyLayer | None:
        """Return the layer of a key, and record its use."""
        ...

    def add(self, layer: DependencyLayer) -> None:
        """Add a layer, in place of the one under its key."""
        ...


class DependencyLayerCache:
    """Finds dependency layers, or has them installed. Safe for threads.

    Args:
        blobs: content store of the layers.
        index: the layers by key.
        work_directory: folder for temporary files.
        cache: cache of package files, pruned after each installation.
    """

    def __init__(
        self, blobs: IngesterProvider, index: LayerIndex, work_directory: Path, cache: FileCache
    ) -> None:
        self._blobs = blobs
        self._index = index
        self._work_directory = work_directory
        self._cache = cache
        self._at_work: dict[str, ThreadLock] = {}
        self._lock = ThreadLock()

    def ensure(
        self,
        installer: Installer[_Request],
        request: _Request,
        runtime_digest: str,
        run: BuildRun,
        previous: Mapping[str, Any] | None = None,
    ) -> BuiltDependencies:
        """Return the layer of a request. Equal requests are resolved once and share a result.

        Args:
            installer: installer of the language.
            request: the dependencies.
            runtime_digest: image below the layer.
            run: owner, log and check of the build.
            previous: lock of the version before, if any.

        Raises:
            DependenciesFailed, IndexUnreachable, StorageFull, BlobMissing, EngineFailure
        """
        shared = make_key(installer.tool, runtime_digest, request)
        own = sha256_of(f"{shared} {run.scope}".encode())
        with self._only_one(own, run):
            stored = self._index.find(shared) or self._index.find(own)
            if stored is not None and self._is_whole(stored):
                run.log(f"Dependencies are the same as before: {_counted(stored.lock)}")
                return _built(stored, installer.programs)
            document = previous if stored is None else stored.lock
            lock = None if document is None else parse_lock(document)
            if lock is not None and lock.key != shared:
                lock = None
            # The folder may be removed at any time, as the caches in it.
            self._work_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryDirectory(prefix="dependencies-", dir=self._work_directory) as folder:
                task = InstallTask(runtime_digest, shared, lock, run, Path(folder))
                stored = self._keep(installer.make(request, task), shared, own, run)
            return _built(stored, installer.programs)

    def _keep(self, made: InstallResult, shared: str, own: str, run: BuildRun) -> DependencyLayer:
        layer = save_layer(self._blobs, made.entries, _CREATED_BY, modified_at=MODIFIED_AT)
        is_own = made.lock.context_only
        stored = DependencyLayer(
            key=own if is_own else shared,
            organization_id=run.owner.organization_id if is_own else None,
            layer_digest=layer.descriptor.digest,
            size_bytes=layer.descriptor.size_bytes,
            lock=made.lock.to_document(),
            project_id=run.owner.project_id if is_own else None,
        )
        self._index.add(stored)
        self._cache.prune()
        run.log(f"Dependencies: {_counted(stored.lock)}, {stored.size_bytes} bytes")
        return stored

    def _is_whole(self, stored: DependencyLayer) -> bool:
        try:
            # Asking for the layer protects it from garbage collection until the image is made.
            return (
                self._blobs.lease(stored.layer_digest)
                and self._blobs.size_bytes(stored.layer_digest) == stored.size_bytes
            )
        except BlobMissing:
            return False

    @contextmanager
    def _only_one(self, key: str, run: BuildRun) -> Iterator[None]:
        """Wait until no other build installs the same, and call the build's check meanwhile."""
        with self._lock:
            lock = self._at_work.setdefault(key, ThreadLock())
        while not lock.acquire(timeout=_WAIT_SECONDS):
            run.check()
        try:
            yield
        finally:
            lock.release()


def make_key(tool: str, runtime_digest: str, request: Request) -> str:
    """Return the digest of everything on which a layer depends. Pure."""
    document = {
        "format": _FORMAT,
        "tool": tool,
        "runtime": runtime_digest,
        "request": request.to_document(),
    }
    return sha256_of(json.dumps(document, sort_keys=True).encode())


def _built(stored: DependencyLayer, programs: str) -> BuiltDependencies:
    descriptor = Descriptor(media_types.LAYER_TAR, stored.layer_digest, stored.size_bytes)
    layer = AddedLayer(descriptor, stored.layer_digest, _CREATED_BY)
    return BuiltDependencies(layer, stored.lock, programs)


def _counted(lock: Mapping[str, Any]) -> str:
    return count_of(len(lock["packages"]), "package")
