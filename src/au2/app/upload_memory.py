"""What the uploads that are under way have brought, to be taken back when the disk is full."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class UploadMemory:
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
