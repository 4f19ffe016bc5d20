"""Blobs to upload, and the sources of their bytes: memory, the archive, a spool file."""

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


Keep = Callable[[Readable, int | None, Callable[[int], None]], Blob]
"""Keeps a stream as a blob: as :meth:`Spool.keep`."""

_SPARE_BYTES: Final = 1 << 20
"""For what the file system itself needs."""
_HINT: Final = (
    "Name another folder with --spool DIR or TMPDIR. Or save the image to a file first and give "
    "that with --file: it needs no space beside the file."
)


class Spool:
    """Makes such files in one folder."""

    def __init__(self, directory: Path, *, make_room: Callable[[], None]) -> None:
        """``make_room``: waits until the blob before was sent, whose space is free then."""
        self._directory = directory
        self._make_room = make_room

    def keep(
        self, stream: Readable, size_bytes: int | None, counted: Callable[[int], None]
    ) -> Blob:
        """Read ``stream`` to its end; return the blob that it was.

        Args:
            stream: where the bytes come from.
            size_bytes: how many will come; None: unknown.
            counted: told how many more were read.

        Raises:
            Au2Error: there is not enough space, or the folder can't be used.
        """
        self._ensure_room(size_bytes or 0)
        descriptor = self._open()
        source = None
        try:
            digest, size = self._fill(descriptor, stream, size_bytes, counted)
            source = SpooledSource(descriptor, size)
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
        # Only this part is guarded: what the stream raises is not the folder's fault.
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError as error:
            raise self._failure(error, needed_bytes) from error

    def _ensure_room(self, size_bytes: int) -> None:
        if self._free_bytes() < size_bytes + _SPARE_BYTES:
            self._make_room()
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


def find_spool_directory(stated: Path | None) -> Path:
    """Return the folder that was stated, or else the one that ``TMPDIR`` names, as usual."""
    return stated if stated is not None else Path(tempfile.gettempdir())
