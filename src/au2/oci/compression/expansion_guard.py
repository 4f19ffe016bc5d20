"""Is compressed data worth reading? Hostile data may be made to take time and give nothing."""

from au2.domain.errors import InvalidImage

FREE_MEMBERS = 1000
"""So many members (of gzip) or frames (of zstd) may be empty."""
MEMBER_BYTES = 256
"""What the others hold on average, at least. Tools that begin a member for each file of a layer
(eStargz, zstd:chunked) come to 512 bytes, the block of a tar archive."""
FREE_BYTES = 1 << 20
"""So much may be read before anything comes out of it."""


class ExpansionGuard:
    """Counts what compressed data takes and what it gives, and refuses it when that is too little.

    Without this a megabyte of empty frames takes a second to read, each time; nothing that a tool
    writes comes near. With it, reading takes a time that belongs to the size of what comes out.
    """

    def __init__(self) -> None:
        self._members = 0
        self._taken_bytes = 0
        self._given_bytes = 0

    def begin_member(self) -> None:
        """A member or frame begins. Raises InvalidImage."""
        self._members += 1
        if self._members > FREE_MEMBERS + self._given_bytes // MEMBER_BYTES:
            raise InvalidImage(
                f"the compressed data is cut into too many parts: {self._members} hold "
                f"{self._given_bytes} bytes"
            )

    def take(self, data: bytes) -> bytes:
        """Return ``data``, which was read to be decompressed. Raises InvalidImage."""
        self._taken_bytes += len(data)
        # Data that can't be compressed becomes larger by a thousandth.
        if self._taken_bytes > FREE_BYTES + self._given_bytes + self._given_bytes // 4:
            raise InvalidImage(
                f"the compressed data is larger than what it holds: {self._taken_bytes} bytes "
                f"hold {self._given_bytes} bytes"
            )
        return data

    def give(self, data: bytes) -> bytes:
        """Return ``data``, which came out."""
        self._given_bytes += len(data)
        return data
