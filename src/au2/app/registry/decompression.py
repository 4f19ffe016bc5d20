"""Limit on concurrent reads of compressed layers, which cost memory and time."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from au2.domain.errors import Busy
from au2.domain.identity import Actor


class DecompressionLimiter:
    """Limit on the concurrent decompressing readers of one server process.

    Each keeps at most a window (``WINDOW_BYTES``) in memory, however slow
    it goes; and to begin in the middle costs as much as all that is before.
    """

    def __init__(self, *, most: int = 16, most_of_one: int = 6) -> None:
        """At most ``most`` read at a time, ``most_of_one`` of them for the same user."""
        self._most = most
        self._most_of_one = most_of_one
        self._lock = threading.Lock()
        self._readers = Counter[str]()

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[None]:
        """Read while the block runs. Raises Busy, before it does."""
        with self._lock:
            of_all, of_one = self._readers.total(), self._readers[actor.user_id]
            if of_all >= self._most or of_one >= self._most_of_one:
                raise Busy(
                    "Too many concurrent reads of compressed layers.",
                    hint="Try again in a moment.",
                )
            self._readers[actor.user_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers[actor.user_id] -= 1
                self._readers += Counter()  # Counts of zero go.
