"""npm itself, for build containers: one version, from the registry, checked."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from au2.dependencies.javascript.npm_registry import NpmRegistry
from au2.domain.errors import DependenciesFailed
from au2.oci.tar.writer import LayerEntry, file_entry
from au2.package.javascript import LockedModule

NPM = LockedModule(
    "npm",
    "10.9.4",
    "sha512-OnUG836FwboQIbqtefDNlyR0gTHzIfwRfE3DuiNewBvnMnWEpB0VEXwBlFVgqpNzIgYo/MHh3d2Hel/pszapAA==",
)
"""The newest version that runs on Node 18 and all newer ones."""
_MOST_BYTES = 64 << 20


def npm_entries(registry: NpmRegistry, folder: str, log: Callable[[str], None]) -> list[LayerEntry]:
    """Return npm's files below ``folder`` (absolute).

    Raises:
        IndexUnreachable, StorageFull
        DependenciesFailed: the registry has another file.
    """
    path, _ = registry.fetch(NPM, log)
    entries: list[LayerEntry] = []
    for name, data, executable in _read_archive(path):
        entries.append(
            file_entry(
                f"{folder}/{name}".strip("/"),
                len(data),
                lambda data=data: io.BytesIO(data),  # type: ignore[misc]
                executable=executable,
            )
        )
    return entries


def _read_archive(path: Path) -> list[tuple[str, bytes, bool]]:
    """Return the files of the archive, whose digest is known, without its first folder."""
    found, size_bytes = [], 0
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            name = member.name.partition("/")[2]
            size_bytes += member.size
            if size_bytes > _MOST_BYTES or ".." in name.split("/"):
                raise DependenciesFailed("npm's archive has unsafe or too large files.")
            if file is not None and not name.startswith(("docs/", "man/")):
                found.append((name, file.read(), bool(member.mode & 0o100)))
    return found
