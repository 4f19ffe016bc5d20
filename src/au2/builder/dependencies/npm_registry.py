"""Archives of JavaScript packages, from the operator's registry or kept from earlier."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from au2.builder.dependencies.file_cache import FileCache
from au2.builder.dependencies.sources import Sources
from au2.builder.dependencies.upstream import Upstream
from au2.domain.errors import DependenciesFailed, DigestMismatch
from au2.package.javascript import LockedModule


class NpmRegistry:
    """The registry of the settings. Safe for threads."""

    def __init__(self, sources: Sources, upstream: Upstream, cache: FileCache) -> None:
        self._registry = sources.npm_registry.rstrip("/")
        self._upstream = upstream
        self._cache = cache

    def fetch(self, module: LockedModule, log: Callable[[str], None]) -> tuple[Path, str]:
        """Return where a package's archive is on this machine, and its SHA-256.

        Raises:
            IndexUnreachable, StorageFull
            DependenciesFailed: the registry has another file than the lock names.
        """
        wanted = base64.b64decode(module.integrity.removeprefix("sha512-")).hex()
        with self._cache.only_once(wanted):
            path = self._cache.find("modules", wanted)
            if path is not None:
                with path.open("rb") as file:
                    return path, hashlib.file_digest(file, "sha256").hexdigest()
            log(f"Downloading {module.name} {module.version}")
            sha256 = hashlib.sha256()
            try:
                with self._upstream.open(self._url(module)) as pieces:
                    path = self._cache.add("modules", _hashed(pieces, sha256.update), sha512=wanted)
            except DigestMismatch as error:
                raise DependenciesFailed(
                    f"{module.name} {module.version} of the registry is not what the lock names.",
                    hint="Make package-lock.json anew.",
                ) from error
        return path, sha256.hexdigest()

    def close(self) -> None:
        """Let connections go."""
        self._upstream.close()

    def _url(self, module: LockedModule) -> str:
        return f"{self._registry}/{module.name}/-/{archive_name(module)}"


def archive_name(module: LockedModule) -> str:
    """Return the name of a package's archive in every registry. Pure."""
    return f"{module.name.rpartition('/')[2]}-{module.version}.tgz"


def _hashed(pieces: Iterator[bytes], update: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece
