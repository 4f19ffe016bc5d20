"""What the layer reader reads from: counted bytes, exact reads, contents that end in time."""

import io

from au2.domain.errors import InvalidImage
from au2.oci.streams import CHUNK_BYTES, Readable


class TarSource:
    """A stream with a limit, read in large pieces."""

    def __init__(self, stream: Readable, limit_bytes: int) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes
        self._taken_bytes = 0
        self._piece = memoryview(b"")

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
        if not self._piece:
            self._fill()
        data = bytes(self._piece[:limit])
        self._piece = self._piece[len(data) :]
        return data

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes; raises InvalidImage if there are not as many."""
        while size > 0:
            if not self._piece:
                self._fill()
            if not self._piece:
                raise InvalidImage("the archive is cut off")
            passed = min(size, len(self._piece))
            self._piece = self._piece[passed:]
            size -= passed

    def drain(self) -> None:
        """Read to the very end, so that a checking stream below gets to check."""
        while True:
            self._fill()
            if not self._piece:
                return

    def _fill(self) -> None:
        data = self._stream.read(CHUNK_BYTES)
        self._taken_bytes += len(data)
        if self._taken_bytes > self._limit_bytes:
            raise InvalidImage(f"the layer is larger than {self._limit_bytes} bytes when unpacked")
        self._piece = memoryview(data)


class MemberContent(io.RawIOBase):
    """The content of the entry at hand. Gone once the next entry is asked for."""

    def __init__(self, source: TarSource, size_bytes: int) -> None:
        super().__init__()
        self._source = source
        self._left_bytes = size_bytes

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes; raises InvalidImage if the archive ends first."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        wanted = min(size, self._left_bytes)
        if not wanted:
            return b""
        data = self._source.read_some(wanted)
        if not data:
            raise InvalidImage("the archive is cut off inside a file")
        self._left_bytes -= len(data)
        return data

    def readall(self) -> bytes:
        """Return all that is left."""
        return self.read(-1)

    def finish(self, padding_bytes: int) -> None:
        """Pass over what was not read, and what follows it up to the next block."""
        left, self._left_bytes = self._left_bytes, 0
        self._source.skip(left + padding_bytes)
