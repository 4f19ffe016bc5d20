"""Where the bytes of a blob that is to be sent can be had from, at any place of it, again."""

import os
from io import BytesIO
from typing import Final, NamedTuple, Protocol

from au2.domain.errors import ServerUnreachable
from au2.oci.archive.reader import ByteRange, FileContent
from au2.oci.decompression import LARGE_WINDOW_BYTES, decompressed
from au2.oci.streams import Readable

BLOCK_BYTES: Final = 1 << 20
"""How much is read and written at a time."""


class BlobSource(Protocol):
    """The bytes of one blob."""

    def open(self, offset_bytes: int) -> Readable:
        """Return what follows from there on."""
        ...

    def close(self) -> None:
        """The bytes are not needed any more."""
        ...


class Blob(NamedTuple):
    """A blob of the image, and its bytes."""

    digest: str
    size_bytes: int
    source: BlobSource


class BytesSource:
    """Bytes in memory: a document, or a piece of a blob that streams by."""

    def __init__(self, data: bytes, base_bytes: int = 0) -> None:
        """``base_bytes``: where in the blob the data begins."""
        self._data = data
        self._base_bytes = base_bytes

    def open(self, offset_bytes: int) -> Readable:
        """Return what follows; raises ServerUnreachable for what streamed by before."""
        if offset_bytes < self._base_bytes:
            raise ServerUnreachable(
                "The server lost what had come, and the archive can't be wound back.",
                hint="Give the same command again.",
            )
        stream = BytesIO(self._data)
        stream.seek(offset_bytes - self._base_bytes)
        return stream

    def close(self) -> None:
        """Nothing is held that must be freed."""


class FileSource:
    """A part of a file that stays open."""

    def __init__(self, descriptor: int, place: ByteRange) -> None:
        self._descriptor = descriptor
        self._place = place

    def open(self, offset_bytes: int) -> Readable:
        """Return what follows; several readers don't disturb each other."""
        start, size = self._place
        return FileContent(self._descriptor, ByteRange(start + offset_bytes, size - offset_bytes))

    def close(self) -> None:
        """The file is another's."""


class UnpackedSource:
    """The uncompressed bytes of a compressed source."""

    def __init__(self, packed: BlobSource) -> None:
        self._packed = packed

    def open(self, offset_bytes: int) -> Readable:
        """Return what follows; what is before is unpacked and passed over."""
        stream = decompressed(self._packed.open(0), window_bytes=LARGE_WINDOW_BYTES)
        pass_over(stream, offset_bytes)
        return stream

    def close(self) -> None:
        """Free what it is unpacked from."""
        self._packed.close()


class SpooledSource:
    """A file of its own without a name, gone when it is closed or the process ends."""

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self._size_bytes = size_bytes

    def open(self, offset_bytes: int) -> Readable:
        """Return what follows."""
        return FileContent(
            self._descriptor, ByteRange(offset_bytes, self._size_bytes - offset_bytes)
        )

    def close(self) -> None:
        """Free the space. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def pass_over(stream: Readable, size_bytes: int) -> None:
    """Read that many bytes, or to the end."""
    while size_bytes and (data := stream.read(min(size_bytes, BLOCK_BYTES))):
        size_bytes -= len(data)
