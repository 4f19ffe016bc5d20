"""Pages that were parsed lately: parsing one of a thousand files takes longer than fetching it."""

import hashlib
from collections import OrderedDict
from threading import Lock

from au2.dependencies.listing import ListedFile, parse_listing

_MOST_FILES = 30_000


class PageMemory:
    """Remembers what pages said, as long as they say it. Safe for threads."""

    def __init__(self, most_files: int = _MOST_FILES) -> None:
        self._most_files = most_files
        self._pages: OrderedDict[tuple[str, ...], tuple[ListedFile, ...]] = OrderedDict()
        self._files = 0
        self._lock = Lock()

    def parse(self, data: bytes, content_type: str, url: str) -> list[ListedFile]:
        """Return what :func:`parse_listing` does. Raises ValueError, RecursionError."""
        key = (hashlib.sha256(data).hexdigest(), content_type, url)
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                return list(self._pages[key])
        files = tuple(parse_listing(data, content_type, url))
        with self._lock:
            self._files += len(files) - len(self._pages.get(key, ()))
            self._pages[key] = files
            while self._files > self._most_files:
                self._files -= len(self._pages.popitem(last=False)[1])
        return list(files)

    @property
    def remembered_files(self) -> int:
        """How many files it knows at this moment."""
        return self._files
