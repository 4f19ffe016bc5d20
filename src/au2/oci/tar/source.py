"""Sources of tar archives: counted bytes, exact reads, and contents of known size."""

from au2.domain.errors import InvalidImage
from au2.oci.streams import CHUNK_BYTES, ChunkReader, Readable


class TarSource:
    """Stream with a limit, read in large chunks.

    Args:
        stream: the bytes.
        limit_bytes: most bytes of the stream.
        what: kind of the archive, for messages.
        piece_bytes: size of a read for headers and small contents.
    """

    def __init__(
        self,
        stream: Readable,
        limit_bytes: int,
        *,
        what: str = "layer",
        piece_bytes: int = CHUNK_BYTES,
    ) -> None:
        self.what = what
        self._stream = stream
        self._limit_bytes = limit_bytes
        self._piece_bytes = piece_bytes
        self._taken_bytes = 0
        self._piece = b""
        self._start = 0

    @property
    def position(self) -> int:
        """Number of bytes read or skipped."""
        return self._taken_bytes - self._waiting_bytes

    def read_block(self, size: int) -> bytes:
        """Return exactly ``size`` bytes (a small number), or nothing at the very end.

        Raises InvalidImage if the stream ends inside.
        """
        data = self.read_some(size)
        if len(data) in (0, size):
            return data
        parts = [data]
        while (missing := size - sum(map(len, parts))) > 0:
            parts.append(self.read_some(missing))
            if not parts[-1]:
                raise InvalidImage("the archive is cut off")
        return b"".join(parts)

    def read_exactly(self, size: int) -> bytes:
        """Return exactly ``size`` bytes; raises InvalidImage if there are not as many."""
        data = self.read_block(size)
        if len(data) != size:
            raise InvalidImage("the archive is cut off")
        return data

    def read_some(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes, nothing at the end."""
        if not self._waiting_bytes:
            if limit >= self._piece_bytes:
                return self._take(limit)  # Large contents pass through without being copied.
            self._fill()
        data = self._piece[self._start : self._start + limit]
        self._start += len(data)
        return data

    def skip(self, size: int) -> None:
        """Skip ``size`` bytes; raises InvalidImage if there are not as many."""
        passed = min(size, self._waiting_bytes)
        self._start += passed
        if size > passed:
            self._skip_below(size - passed)

    def drain(self) -> None:
        """Read to the very end, for the check of a verifying stream below."""
        while self._take(CHUNK_BYTES):
            pass
        self._piece, self._start = b"", 0

    @property
    def _waiting_bytes(self) -> int:
        return len(self._piece) - self._start

    def _skip_below(self, size: int) -> None:
        while size > 0:
            self._fill()
            passed = min(size, len(self._piece))
            if not passed:
                raise InvalidImage("the archive is cut off")
            self._start = passed
            size -= passed

    def _fill(self) -> None:
        self._piece, self._start = self._take(self._piece_bytes), 0

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._count(len(data))
        return data

    def _count(self, size: int) -> None:
        self._taken_bytes += size
        if self._taken_bytes > self._limit_bytes:
            raise InvalidImage(
                f"the {self.what} is larger than {self._limit_bytes} bytes when unpacked"
            )


class MemberContent(ChunkReader):
    """Content of the present entry, readable until the next entry is requested.

    Reading raises InvalidImage if the archive ends first.
    """

    def __init__(self, source: TarSource, size_bytes: int) -> None:
        super().__init__()
        self._source = source
        self._left_bytes = size_bytes

    @property
    def left_bytes(self) -> int:
        """Number of unread bytes."""
        return self._left_bytes

    def read_some(self, size: int) -> bytes:
        """Return up to ``size`` bytes, nothing only at the end."""
        wanted = min(size, self._left_bytes)
        if not wanted:
            return b""
        data = self._source.read_some(wanted)
        if not data:
            raise InvalidImage("the archive is cut off inside a file")
        self._left_bytes -= len(data)
        return data

    def finish(self, padding_bytes: int) -> None:
        """Skip the rest of the content and its padding."""
        left, self._left_bytes = self._left_bytes, 0
        self._source.skip(left + padding_bytes)
