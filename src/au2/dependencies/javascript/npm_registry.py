"""npm registry: archives of JavaScript packages, and npm itself, cached and checked."""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from au2.dependencies.file_cache import FileCache
from au2.dependencies.sources import Sources
from au2.dependencies.upstream import Upstream
from au2.domain.errors import DependenciesFailed
from au2.oci.tar.writer import LayerEntry, bytes_entry
from au2.package.javascript import MAKE_ANEW, LockedModule, parse_integrity

NPM = LockedModule(
    "npm",
    "10.9.4",
    "sha512-OnUG836FwboQIbqtefDNlyR0gTHzIfwRfE3DuiNewBvnMnWEpB0VEXwBlFVgqpNzIgYo/MHh3d2Hel/pszapAA==",
)
"""The newest version that runs on Node 18 and all newer ones."""
_MOST_BYTES = 64 << 20


class NpmRegistry:
    """Client of the sources' npm registry. Safe for threads.

    Args:
        sources: address of the registry.
        upstream: HTTP client.
        cache: cache of archives.
    """

    def __init__(self, sources: Sources, upstream: Upstream, cache: FileCache) -> None:
        self._registry = sources.npm_registry.rstrip("/")
        self._upstream = upstream
        self._cache = cache

    def fetch(
        self, module: LockedModule, log: Callable[[str], None], *, sha256: str | None = None
    ) -> tuple[Path, str]:
        """Return the path of a package's archive on this machine, and its SHA-256.

        Args:
            module: the package.
            log: takes lines for people.
            sha256: digest (hexadecimal) of the archive that was installed before, if any.

        Raises:
            IndexUnreachable, StorageFull
            DependenciesFailed: the registry has another file than the lock names.
        """
        algorithm, digests = parse_integrity(module.integrity)
        known = next(iter(digests)) if algorithm == "sha512" and len(digests) == 1 else sha256
        with self._cache.only_once(known or self._url(module)):
            path = None if known is None else self._cache.find("modules", known)
            if path is not None:
                with path.open("rb") as file:
                    return path, hashlib.file_digest(file, "sha256").hexdigest()
            log(f"Downloading {module.name} {module.version}")
            own = hashlib.sha256()
            with self._upstream.open(self._url(module)) as chunks:
                checked = _checked(chunks, module, own, sha256)
                # Where the lock has its SHA-512, it is found by that the next time.
                sha512 = known if known != sha256 else None
                path = self._cache.add("modules", checked, sha512=sha512)
        return path, own.hexdigest()

    def _url(self, module: LockedModule) -> str:
        return f"{self._registry}/{module.name}/-/{archive_name(module)}"


def archive_name(module: LockedModule) -> str:
    """Return the name of a package's archive in every registry. Pure."""
    return f"{module.name.rpartition('/')[2]}-{module.version}.tgz"


def _checked(
    chunks: Iterator[bytes], module: LockedModule, own: "hashlib._Hash", sha256: str | None
) -> Iterator[bytes]:
    """Yield an archive; raise DependenciesFailed at its end if a digest does not match."""
    algorithm, digests = parse_integrity(module.integrity)
    found = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in chunks:
        found.update(chunk)
        own.update(chunk)
        yield chunk
    if digests and found.hexdigest() not in digests:
        raise DependenciesFailed(
            f"{module.name} {module.version} of the registry does not have the digest in the lock.",
            hint=f"Make the lock anew: '{MAKE_ANEW}'.",
        )
    if sha256 not in (None, own.hexdigest()):
        raise DependenciesFailed(
            f"{module.name} {module.version} of the registry is not the one installed before.",
            hint=f"Ask your operator what changed, or make the lock anew: '{MAKE_ANEW}'.",
        )


def npm_entries(registry: NpmRegistry, folder: str) -> list[LayerEntry]:
    """Return npm's files below ``folder`` (absolute), without the first folder of its archive.

    Raises:
        IndexUnreachable, StorageFull
        DependenciesFailed: the registry has another file.
    """
    path, _ = registry.fetch(NPM, lambda _: None)
    entries, size_bytes = [], 0
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            name = member.name.partition("/")[2]
            size_bytes += member.size
            if size_bytes > _MOST_BYTES or ".." in name.split("/"):
                raise DependenciesFailed("npm's archive has unsafe or too large files.")
            if file is not None and not name.startswith(("docs/", "man/")):
                target, executable = f"{folder}/{name}".strip("/"), bool(member.mode & 0o100)
                entries.append(bytes_entry(target, file.read(), executable=executable))
    return entries
