"""Removing blobs that nobody needs while others may begin to count on them.

A blob's time of change says when somebody last wrote it or asked for it. To remove one, it is first
moved aside, in one step that nobody can come between, and only then judged by that time: whoever
asked before the move has made it young, so it is put back; whoever asks after it is told that the
blob is gone, and sends it again.
"""

import os
import time
import uuid
from pathlib import Path

from au2.stores.content.ingest import ContentPaths

_YOUNG_SECONDS = 60.0
"""Not marked again so soon: asking for a hundred thousand blobs should not write as many times."""
LEAST_GRACE_SECONDS = 2 * _YOUNG_SECONDS
"""For less, a blob that was just asked for could be taken for unused."""


def mark_used(path: Path) -> bool:
    """Whether a blob's file is there; its time of change is now, or was a moment ago."""
    try:
        if time.time() - path.stat().st_mtime > _YOUNG_SECONDS:
            os.utime(path)
    except FileNotFoundError:
        return False
    return True


def is_young(path: Path, seconds: float) -> bool:
    """Whether a blob was written or asked for in the last ``seconds``; no if it is not there."""
    try:
        return path.stat().st_mtime > time.time() - seconds
    except FileNotFoundError:
        return False


def find_unused(path: Path, older_than_seconds: float) -> int | None:
    """Return a blob's size in bytes if it was neither written nor asked for for so long."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size if status.st_mtime <= time.time() - older_than_seconds else None


def remove_if_unused(folders: ContentPaths, digest: str, older_than_seconds: float) -> int | None:
    """Remove a blob's file unless it is younger; return its size, None if it stays or is none.

    ``older_than_seconds`` is at least :data:`LEAST_GRACE_SECONDS`, or ValueError is raised.
    """
    if older_than_seconds < LEAST_GRACE_SECONDS:
        raise ValueError(f"a grace time under {LEAST_GRACE_SECONDS} seconds is not safe")
    path = folders.path_of(digest)
    aside = folders.removing / f"{path.name}.{uuid.uuid4().hex}"
    try:
        if is_young(path, older_than_seconds):
            return None
        path.rename(aside)
        size_bytes = aside.stat().st_size
    except FileNotFoundError:
        return None  # It was removed, or restored by a store that was just opened.
    if is_young(aside, older_than_seconds):
        _put_back(folders, aside)
        return None
    aside.unlink(missing_ok=True)
    return size_bytes


def restore_interrupted(folders: ContentPaths) -> None:
    """Put back what somebody who was killed had moved aside."""
    for aside in folders.removing.iterdir():
        _put_back(folders, aside)


def _put_back(folders: ContentPaths, aside: Path) -> None:
    """Name it again, unless the same content has come anew meanwhile."""
    try:
        os.link(aside, folders.path_of(f"sha256:{aside.name.partition('.')[0]}"))
    except FileExistsError:
        pass
    except FileNotFoundError:
        return  # Somebody else has put it back, or removed it.
    aside.unlink(missing_ok=True)
