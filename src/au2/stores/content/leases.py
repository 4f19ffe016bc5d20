"""Leases of blobs, and removal of blobs with expired leases.

The modification time of a blob's file is the time of its last lease. To remove a blob, its file is
first moved aside by one atomic rename, and only then judged by the time: a lease taken before the
rename is seen, and the file is put back; a lease asked for after the rename is refused, and the
caller sends or makes the blob again.
"""

import os
import time
import uuid
from pathlib import Path

from au2.stores.content.ingest import ContentPaths

_RENEWAL_SECONDS = 60.0
"""A younger lease is not renewed: leasing 100,000 blobs again should not write as many times."""
LEAST_LEASE_SECONDS = 2 * _RENEWAL_SECONDS
"""With shorter leases, a lease that was taken but not renewed could count as expired."""


def take_lease(path: Path) -> bool:
    """Take or renew the lease on a blob's file; return whether the lease was granted.

    The kernel finds the file of a path first and sets its time after, so ``utime`` may succeed on
    a file moved aside between the two. Only a name still present afterwards proves a later remover
    will see the new time.
    """
    try:
        if time.time() - path.stat().st_mtime > _RENEWAL_SECONDS:
            os.utime(path)
            return path.exists()
    except FileNotFoundError:
        return False
    return True


def is_leased(path: Path, lease_seconds: float) -> bool:
    """Whether the lease was taken in the last ``lease_seconds``; False without a file."""
    try:
        return path.stat().st_mtime > time.time() - lease_seconds
    except FileNotFoundError:
        return False


def find_expired(path: Path, lease_seconds: float) -> int | None:
    """Return the size in bytes of a blob whose lease has expired; None for any other."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size if status.st_mtime <= time.time() - lease_seconds else None


def remove_if_expired(paths: ContentPaths, digest: str, lease_seconds: float) -> int | None:
    """Remove a blob's file unless it is leased; return its size, None if nothing was removed.

    Raises ValueError for ``lease_seconds`` under :data:`LEAST_LEASE_SECONDS`.
    """
    if lease_seconds < LEAST_LEASE_SECONDS:
        raise ValueError(f"leases under {LEAST_LEASE_SECONDS} seconds are not safe")
    path = paths.path_of(digest)
    aside = paths.removing / f"{path.name}.{uuid.uuid4().hex}"
    try:
        if is_leased(path, lease_seconds):
            return None
        path.rename(aside)
        size_bytes = aside.stat().st_size
    except FileNotFoundError:
        return None  # Removed by another process, or put back by a store that was just opened.
    if is_leased(aside, lease_seconds):
        _put_back(paths, aside)
        return None
    aside.unlink(missing_ok=True)
    return size_bytes


def restore_interrupted(paths: ContentPaths) -> None:
    """Put back files moved aside by a killed process."""
    for aside in paths.removing.iterdir():
        _put_back(paths, aside)


def _put_back(paths: ContentPaths, aside: Path) -> None:
    """Restore the file's name, unless the same content was written anew meanwhile."""
    try:
        os.link(aside, paths.path_of(f"sha256:{aside.name.partition('.')[0]}"))
    except FileExistsError:
        pass
    except FileNotFoundError:
        return  # Another process has put it back, or removed it.
    aside.unlink(missing_ok=True)
