"""Readers of image archives: streams, once and front to end, and plain files, in any order."""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive import diagnostics
from au2.oci.archive.contents import ArchiveContents, ArchiveLimits, BlobMember, NotContiguous, walk
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.powershell import TextWatch, damage_explained, watch_file
from au2.oci.decompression import LARGE_WINDOW_BYTES, Compression, decompressed, find_compression
from au2.oci.streams import CHUNK_BYTES, Prefixed, Readable, read_start
from au2.oci.tar.header import BLOCK_BYTES
from au2.oci.tar.source import TarSource


def read_archive(
    stream: Readable,
    take: Callable[[BlobMember], None],
    limits: ArchiveLimits | None = None,
) -> ArchiveDocuments:
    """Read the archive to the very end of ``stream`` and return its documents.

    Which members are layers of the image that is wanted is known only at the end, when the
    documents are: most tools write those last. So ``take`` sees every member that may be a layer.

    Args:
        stream: the archive: plain, or compressed with gzip or zstd.
        take: reads of the member's content what it wants; what it raises goes through.
        limits: how much is taken.

    Raises:
        InvalidImage: this is no image archive, or one that is damaged, cut off or over a limit.
    """
    limits = limits or ArchiveLimits()
    watch = TextWatch(stream)
    try:
        plain = decompressed(watch, window_bytes=LARGE_WINDOW_BYTES)
        start = read_start(plain, BLOCK_BYTES)
        diagnostics.check_start(start)
        source = TarSource(Prefixed(start, plain), limits.stream_bytes, what="archive")
        # What has no image is refused at once: zero bytes, which are an archive's end, may go on.
        with damage_explained(lambda: watch):
            contents = walk(source, limits, take)
        with damage_explained(lambda: watch, contents.top_names):
            documents = ArchiveDocuments(contents)
        source.drain()
        return documents
    except InvalidImage as error:
        raise diagnostics.with_hint(error) from None


_PIECE_BYTES = 1 << 14
"""Headers lie far apart: to read much more than one is for nothing."""


class ByteRange(NamedTuple):
    """Where a member's content is in the file."""

    offset_bytes: int
    size_bytes: int


class FileContent(io.RawIOBase):
    """A part of a file. Reads at its own position, so several may be read in threads at once."""

    def __init__(self, descriptor: int, place: ByteRange) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position, self._left_bytes = place

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes; raises InvalidImage if the file has become shorter."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        wanted = min(size, self._left_bytes)
        data = os.pread(self._descriptor, wanted, self._position) if wanted else b""
        if wanted and not data:
            raise InvalidImage("the archive became shorter while it was read")
        self._position += len(data)
        self._left_bytes -= len(data)
        return data

    def readall(self) -> bytes:
        """Return all that is left."""
        return self.read(-1)

    def skip(self, size_bytes: int) -> None:
        """Pass over bytes without reading them; raises InvalidImage if there are not as many."""
        if size_bytes > self._left_bytes:
            raise InvalidImage("the archive is cut off")
        self._position += size_bytes
        self._left_bytes -= size_bytes


class ArchiveFile:
    """An archive in a file, whose members can be read in any order."""

    def __init__(self, descriptor: int, start_bytes: int, contents: ArchiveContents) -> None:
        self.documents = ArchiveDocuments(contents)
        self._descriptor = descriptor
        self._start_bytes = start_bytes
        self._contents = contents

    def place(self, path: str) -> ByteRange:
        """Return the byte range of the member with this path, one of an archived layer."""
        file = self._contents.file(path)
        return ByteRange(self._start_bytes + file.offset_bytes, file.size_bytes)

    def open(self, path: str) -> FileContent:
        """Open the member's content; the archive's file must stay open as long."""
        return FileContent(self._descriptor, self.place(path))


def open_archive(file: BinaryIO, limits: ArchiveLimits | None = None) -> ArchiveFile | None:
    """Return the archive that begins where ``file`` stands, having read its headers only.

    Returns None if the file is compressed, has sparse files in it, or can't be sought in (a pipe, a
    terminal): then it stands where it stood, and is for
    :func:`au2.oci.archive.reader.read_archive`.

    Raises:
        InvalidImage: this is no image archive, or one that is damaged, cut off or over a limit.
    """
    if not file.seekable():
        return None
    limits = limits or ArchiveLimits()
    descriptor, start_bytes = file.fileno(), file.tell()

    def find_watch() -> TextWatch:
        size_bytes = max(0, os.fstat(descriptor).st_size - start_bytes)
        return watch_file(FileContent(descriptor, ByteRange(start_bytes, size_bytes)))

    first = os.pread(descriptor, BLOCK_BYTES, start_bytes)
    if find_compression(first) is not Compression.NONE:
        return None
    try:
        diagnostics.check_start(first)
        source = _FileSource(descriptor, start_bytes, limits)
        with damage_explained(find_watch):
            contents = walk(source, limits, None)
        with damage_explained(find_watch, contents.top_names):
            return ArchiveFile(descriptor, start_bytes, contents)
    except NotContiguous:
        return None
    except InvalidImage as error:
        raise diagnostics.with_hint(error) from None


class _FileSource(TarSource):
    """A source that passes over contents without reading them."""

    def __init__(self, descriptor: int, start_bytes: int, limits: ArchiveLimits) -> None:
        size_bytes = max(0, os.fstat(descriptor).st_size - start_bytes)
        content = FileContent(descriptor, ByteRange(start_bytes, size_bytes))
        super().__init__(content, limits.stream_bytes, what="archive", piece_bytes=_PIECE_BYTES)
        self._content = content

    def _skip_below(self, size: int) -> None:
        self._content.skip(size)
        self._count(size)
        self._piece, self._start = b"", 0
