"""The least that a stream must offer to be read from or written to here."""

from typing import Protocol

CHUNK_BYTES = 1 << 18
"""How much is moved at a time: large enough for speed, small enough for flat memory."""


class Readable(Protocol):
    """Something bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, all for -1; nothing only at the end."""
        ...


class Writable(Protocol):
    """Something bytes go to. A write takes all of them or raises."""

    def write(self, data: bytes, /) -> object:
        """Take ``data``."""
        ...
