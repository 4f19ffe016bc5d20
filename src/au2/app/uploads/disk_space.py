"""Disk space for uploads: refusal before the transfer, removal of new blobs after a full disk."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from au2.domain.errors import StorageFull
from au2.domain.wording import format_bytes_apart
from au2.stores.content.protocol import Ingester


def ensure_disk_space(blobs: Ingester, noun: str, more_bytes: int) -> None:
    """Raise StorageFull if ``more_bytes`` of a ``noun`` that are to be sent can't be kept.

    Room is held for nobody: who passes may still be the last to come.
    """
    free_bytes = blobs.free_bytes()
    if more_bytes > free_bytes:
        needed, free = format_bytes_apart(more_bytes, free_bytes)
        raise StorageFull(
            f"The server's disk has no space for the {noun}: {needed} are to be sent, and {free} "
            "are free.",
            hint="Ask the server's operator for space, then give the same command again.",
        )


@dataclass(slots=True)
class NewBlobs:
    """Contents by upload. In memory: what a restart forgets is left to the garbage collection."""

    _brought: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    _MOST_UPLOADS = 1000

    def add(self, upload_id: str, contents: Iterable[str]) -> None:
        """Note what an upload has brought."""
        with self._lock:
            self._brought.setdefault(upload_id, set()).update(contents)
            while len(self._brought) > self._MOST_UPLOADS:
                self._brought.pop(next(iter(self._brought)))

    def forget(self, upload_id: str) -> set[str]:
        """Return what an upload has brought, and forget it."""
        with self._lock:
            return self._brought.pop(upload_id, set())
