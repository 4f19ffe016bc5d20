"""How much of a blob goes in one request: what takes a second or some, so that progress is known.

What the server has is known when it answers. Large requests cost less; on a slow line they would
tell nothing for minutes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

PIECE_BYTES: Final = 64 << 20
"""The most of one request, so that limits of proxies and their patience are kept to."""
_FIRST_BYTES: Final = 1 << 20
_LEAST_BYTES: Final = 256 << 10
_VERY_SHORT_SECONDS: Final = 0.25
_SHORT_SECONDS: Final = 1.0
_LONG_SECONDS: Final = 4.0


class PieceSize:
    """Grows on a fast line and shrinks on a slow one."""

    def __init__(self, most_bytes: int, clock: Callable[[], float]) -> None:
        """``clock``: monotonic, in seconds."""
        self._most_bytes = most_bytes
        self._clock = clock
        self.next_bytes = min(_FIRST_BYTES, most_bytes)
        """For the next request."""

    @contextmanager
    def timed(self, size_bytes: int) -> Iterator[None]:
        """Learn from a request of that size, unless it fails."""
        begun_at = self._clock()
        yield
        seconds = self._clock() - begun_at
        if seconds > _LONG_SECONDS:
            self.next_bytes = max(self.next_bytes // 2, min(_LEAST_BYTES, self._most_bytes))
        elif size_bytes == self.next_bytes and seconds < _SHORT_SECONDS:
            growth = 4 if seconds < _VERY_SHORT_SECONDS else 2
            self.next_bytes = min(self.next_bytes * growth, self._most_bytes)
