"""Writer that keeps the digest and size of its bytes."""

import hashlib

from au2.oci.streams import Writable


class HashingWriter:
    """Passes bytes on to ``out`` (or nowhere) and keeps their digest and size."""

    def __init__(self, out: Writable | None = None) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self._size_bytes = 0

    def write(self, data: bytes | memoryview, /) -> int:
        """Take bytes."""
        self._hash.update(data)
        self._size_bytes += len(data)
        if self._out is not None:
            self._out.write(bytes(data) if isinstance(data, memoryview) else data)
        return len(data)

    @property
    def digest(self) -> str:
        """Digest of all bytes so far."""
        return "sha256:" + self._hash.hexdigest()

    @property
    def size_bytes(self) -> int:
        """Number of bytes so far."""
        return self._size_bytes
