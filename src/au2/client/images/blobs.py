"""Blobs to upload, and the sources of their bytes: memory, the archive, a spool file.

A spool file has no name from the first moment on, so the end of the process frees its space.
"""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from au2.domain.errors import Au2Error, ServerUnreachable
from au2.domain.wording import format_bytes
from au2.oci.archive.reader import ByteRange, FileContent
from au2.oci.decompression import LARGE_WINDOW_BYTES, decompressed
from au2.oci.streams import Readable

BLOCK_BYTES: Final = 1 << 20
"""Bytes per read and write."""


class BlobSource(Protocol):
    """Source of one blob's bytes, readable from any offset, again."""

    def open(self, offset_bytes: int) -> Readable:
        """Return the bytes from an offset on."""
        ...

    def close(self) -> None:
        """Free the bytes."""
        ...


class Blob(NamedTuple):
    """A blob of the image, and the source of its bytes."""

    digest: str
    size_bytes: int
    source: BlobSource


class BytesSource:
    """Bytes in memory: a document, or a window of a streamed blob."""

    def __init__(self, data: bytes, base_bytes: int = 0) -> None:
        """Take the offset of the data in the blob as ``base_bytes``."""
        self._data = data
        self._base_bytes = base_bytes
        self.end_bytes = base_bytes + len(data)
        """Offset in the blob where the data ends."""

    def open(self, offset_bytes: int) -> Readable:
        """Return the bytes from an offset on. Raises ServerUnreachable before the window."""
        if offset_bytes < self._base_bytes:
            raise ServerUnreachable(
                "The server lost received bytes, and the archive can't be read again.",
                hint="Give the same command again.",
            )
        stream = BytesIO(self._data)
        stream.seek(offset_bytes - self._base_bytes)
        return stream

    def close(self) -> None:
        """Free nothing."""


class FileSource:
    """Part of an open file."""

    def __init__(self, descriptor: int, byte_range: ByteRange) -> None:
        self._descriptor = descriptor
        self._byte_range = byte_range

    def open(self, offset_bytes: int) -> Readable:
        """Return the bytes from an offset on; concurrent readers are independent."""
        start, size = self._byte_range
        return FileContent(self._descriptor, ByteRange(start + offset_bytes, size - offset_bytes))

    def close(self) -> None:
        """Leave the file open for its owner."""


class UnpackedSource:
    """Uncompressed bytes of a compressed source."""

    def __init__(self, packed: BlobSource) -> None:
        self._packed = packed

    def open(self, offset_bytes: int) -> Readable:
        """Return the bytes from an offset on, after decompressing those before."""
        stream = decompressed(self._packed.open(0), window_bytes=LARGE_WINDOW_BYTES)
        pass_over(stream, offset_bytes)
        return stream

    def close(self) -> None:
        """Free the compressed source."""
        self._packed.close()


class SpooledSource(FileSource):
    """File without a name, gone when closed or when the process ends."""

    def close(self) -> None:
        """Free the space. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def hash_stream(stream: Readable, counted: Callable[[int], None]) -> tuple[str, int]:
    """Read a stream to its end; return digest and size. ``counted`` gets each block's size."""
    hashed, size = sha256(), 0
    while data := stream.read(BLOCK_BYTES):
        hashed.update(data)
        size += len(data)
        counted(len(data))
    return f"sha256:{hashed.hexdigest()}", size


def pass_over(stream: Readable, size_bytes: int) -> None:
    """Read and drop ``size_bytes``, or the rest."""
    while size_bytes and (data := stream.read(min(size_bytes, BLOCK_BYTES))):
        size_bytes -= len(data)


Keep = Callable[[Readable, int | None, Callable[[int], None]], Blob]
"""Keeps a stream as a blob: as :meth:`Spool.keep`."""

_SPARE_BYTES: Final = 1 << 20
"""Reserve for the file system's own data."""
_HINT: Final = (
    "Name another folder with --spool DIR or TMPDIR. Or save the image to a file first and give "
    "that with --file: it needs no space beside the file."
)


class Spool:
    """Space on disk for layers whose digest is known only after reading them."""

    def __init__(self, directory: Path | None, *, free_space: Callable[[], None]) -> None:
        """Begin.

        Args:
            directory: folder of the files; None: the one in ``TMPDIR``, as usual.
            free_space: waits until the blob before was sent and its space is free.
        """
        self._directory = Path(tempfile.gettempdir()) if directory is None else directory
        self._free_space = free_space

    def keep(
        self, stream: Readable, size_bytes: int | None, counted: Callable[[int], None]
    ) -> Blob:
        """Read ``stream`` to its end; return its blob.

        Args:
            stream: the bytes.
            size_bytes: their number; None: unknown.
            counted: called with each block's size.

        Raises:
            Au2Error: there is not enough space, or the folder can't be used.
        """
        self._ensure_space(size_bytes or 0)
        descriptor = self._open()
        source = None
        try:
            digest, size = self._fill(descriptor, stream, size_bytes, counted)
            source = SpooledSource(descriptor, ByteRange(0, size))
            return Blob(digest, size, source)
        finally:
            if source is None:
                os.close(descriptor)

    def _fill(
        self,
        descriptor: int,
        stream: Readable,
        expected_bytes: int | None,
        counted: Callable[[int], None],
    ) -> tuple[str, int]:
        hashed, size = sha256(), 0
        # Hashing lets go of the interpreter's lock, as writing and reading do: each block is
        # hashed while it is written and the next one comes.
        with ThreadPoolExecutor(1) as beside:
            hashing: Future[None] | None = None
            while data := stream.read(BLOCK_BYTES):
                if hashing is not None:
                    hashing.result()
                hashing = beside.submit(hashed.update, data)
                self._write(descriptor, data, expected_bytes or size)
                size += len(data)
                counted(len(data))
        return f"sha256:{hashed.hexdigest()}", size

    def _write(self, descriptor: int, data: bytes, needed_bytes: int) -> None:
        # Only this part is guarded: the stream's errors are not the folder's fault.
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError as error:
            raise self._failure(error, needed_bytes) from error

    def _ensure_space(self, size_bytes: int) -> None:
        if self._free_bytes() < size_bytes + _SPARE_BYTES:
            self._free_space()
        free = self._free_bytes()
        if free < size_bytes + _SPARE_BYTES:
            raise Au2Error(
                f"A layer of {format_bytes(size_bytes)} must be kept on disk until it is sent, but "
                f"'{self._directory}' has only {format_bytes(free)} free.",
                hint=_HINT,
            )

    def _free_bytes(self) -> int:
        try:
            found = os.statvfs(self._directory)
        except OSError as error:
            raise self._failure(error, 0) from error
        return found.f_bavail * found.f_frsize

    def _open(self) -> int:
        try:
            with tempfile.TemporaryFile(dir=self._directory, buffering=0) as file:
                return os.dup(file.fileno())
        except OSError as error:
            raise self._failure(error, 0) from error

    def _failure(self, error: OSError, needed_bytes: int) -> Au2Error:
        why = error.strerror or str(error)
        size = f" of {format_bytes(needed_bytes)} or more" if needed_bytes else ""
        return Au2Error(f"A layer{size} can't be kept in '{self._directory}': {why}.", hint=_HINT)
