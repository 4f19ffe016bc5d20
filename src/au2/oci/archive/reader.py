"""Readers of image archives: streams, once and front to end, and plain files, in any order."""

import os
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive import diagnostics
from au2.oci.archive.contents import ArchiveContents, ArchiveLimits, BlobMember, NotContiguous, walk
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.powershell import TextWatch, damage_explained, watch_file
from au2.oci.decompression import LARGE_WINDOW_BYTES, Compression, decompressed, find_compression
from au2.oci.streams import ChunkReader, Prefixed, Readable, read_start
from au2.oci.tar.header import BLOCK_BYTES
from au2.oci.tar.source import TarSource


def read_archive(
    stream: Readable,
    take: Callable[[BlobMember], None],
    limits: ArchiveLimits | None = None,
) -> ArchiveDocuments:
    """Read the archive to the very end of ``stream`` and return its documents.

    The layers of the wanted image are known only at the end, with the documents: most tools write
    those last. So ``take`` sees every possible layer.

    Args:
        stream: the archive: plain, or compressed with gzip or zstd.
        take: reads a part of the member's content or all; its errors are not caught.
        limits: limits of the archive.

    Raises:
        InvalidImage: no image archive, or damaged, cut off or over a limit.
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
    """Offset and size of a member's content in the file."""

    offset_bytes: int
    size_bytes: int


class FileContent(ChunkReader):
    """Slice of an open file, with a position of its own: several may be read in threads at once.

    Reading raises InvalidImage if the file has become shorter.
    """

    def __init__(self, descriptor: int, byte_range: ByteRange) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position, self._left_bytes = byte_range

    def read_some(self, size: int) -> bytes:
        """Return up to ``size`` bytes, nothing only at the end."""
        wanted = min(size, self._left_bytes)
        data = os.pread(self._descriptor, wanted, self._position) if wanted else b""
        if wanted and not data:
            raise InvalidImage("the archive became shorter while it was read")
        self._position += len(data)
        self._left_bytes -= len(data)
        return data

    def skip(self, size_bytes: int) -> None:
        """Skip bytes without reading them; raises InvalidImage if there are not as many."""
        if size_bytes > self._left_bytes:
            raise InvalidImage("the archive is cut off")
        self._position += size_bytes
        self._left_bytes -= size_bytes


class ArchiveFile:
    """Archive in a file, with members readable in any order."""

    def __init__(self, descriptor: int, start_bytes: int, contents: ArchiveContents) -> None:
        self.documents = ArchiveDocuments(contents)
        self._descriptor = descriptor
        self._start_bytes = start_bytes
        self._contents = contents

    def byte_range(self, path: str) -> ByteRange:
        """Return the byte range of the member with this path, one of an archived layer."""
        file = self._contents.file(path)
        return ByteRange(self._start_bytes + file.offset_bytes, file.size_bytes)

    def open(self, path: str) -> FileContent:
        """Open the member's content; the archive's file must stay open as long."""
        return FileContent(self._descriptor, self.byte_range(path))


def open_archive(file: BinaryIO, limits: ArchiveLimits | None = None) -> ArchiveFile | None:
    """Return the archive at the position of ``file``; only its headers are read.

    Returns None if the file is compressed, has sparse files in it, or is not seekable (a pipe, a
    terminal): then the position stays, for :func:`read_archive`.

    Raises:
        InvalidImage: no image archive, or damaged, cut off or over a limit.
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
    """Source with a seek in place of reading skipped contents."""

    def __init__(self, descriptor: int, start_bytes: int, limits: ArchiveLimits) -> None:
        size_bytes = max(0, os.fstat(descriptor).st_size - start_bytes)
        content = FileContent(descriptor, ByteRange(start_bytes, size_bytes))
        super().__init__(content, limits.stream_bytes, what="archive", piece_bytes=_PIECE_BYTES)
        self._content = content

    def _skip_below(self, size: int) -> None:
        self._content.skip(size)
        self._count(size)
        self._piece, self._start = b"", 0
