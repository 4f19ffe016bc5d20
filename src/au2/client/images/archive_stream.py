"""Upload of an archive that streams by: layers are sent, or spooled until they can be."""

import fcntl
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import BinaryIO, Final

from au2.client.images.blob_uploader import BlobUploader, damaged
from au2.client.images.blobs import BLOCK_BYTES, Blob, BytesSource, Keep, pass_over
from au2.domain.errors import DigestMismatch, InvalidImage
from au2.oci.archive.archived_image import ArchivedImage, ArchivedLayer, describe_layer
from au2.oci.archive.contents import BlobMember
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.reader import read_archive
from au2.oci.decompression import LARGE_WINDOW_BYTES, Compression, decompressed
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.platform import Platform
from au2.oci.streams import Readable

_WINDOW_BYTES: Final = 16 << 20
"""How much of a stream is held in memory, twice, to be sent again after a cut connection."""
_TAKEN: Final = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})


def send_from_stream(
    stream: Readable, wanted: tuple[str | None, Platform], uploader: BlobUploader, keep: Keep
) -> tuple[ArchivedImage, Sequence[Descriptor]]:
    """Read the archive to its end and offer its layers; return the image and what its layers are.

    Which layers belong to the image is known at the end only. ``wanted``: its name, if stated, and
    the platform. ``keep``: of layers that are to be sent while the next is read.
    """
    reading = _Reading(uploader, keep)
    documents = read_archive(stream, reading.take)
    image = documents.choose(*wanted)
    return image, [reading.describe(layer, documents) for layer in image.layers]


class _Reading:
    def __init__(self, uploader: BlobUploader, keep: Keep) -> None:
        self._uploader = uploader
        self._keep = keep
        self._found: dict[str, Descriptor] = {}

    def take(self, member: BlobMember) -> None:
        """Send a member of the archive, or keep it on disk to send it while the next is read."""
        if member.compression not in _TAKEN:
            return
        is_packed_new = member.compression is Compression.ZSTD
        if member.digest is not None and not is_packed_new:
            self._found[member.path] = describe_layer(
                member.digest, member.size_bytes, member.compression
            )
            self._pass_through(member, member.digest)
            return
        content: Readable = member.content
        if is_packed_new:
            content = decompressed(content, window_bytes=LARGE_WINDOW_BYTES)
        size = None if is_packed_new else member.size_bytes
        blob = self._keep(content, size, self._uploader.progress.read)
        compression = Compression.NONE if is_packed_new else member.compression
        self._found[member.path] = describe_layer(blob.digest, blob.size_bytes, compression)
        self._uploader.offer([blob])

    def describe(self, layer: ArchivedLayer, documents: ArchiveDocuments) -> Descriptor:
        """Return what a layer of the image came to be; raises InvalidImage if it is another."""
        if layer.path not in self._found:
            data = documents.kept(layer.path)
            if data is None:
                raise InvalidImage(f"the layer {layer.path!r} is none")
            blob = Blob(sha256_of(data), len(data), BytesSource(data))
            self._uploader.offer([blob])
            self._found[layer.path] = describe_layer(
                blob.digest, blob.size_bytes, layer.compression
            )
        found = self._found[layer.path]
        if layer.compression is not Compression.GZIP and found.digest != layer.diff_id:
            raise damaged(layer.diff_id)
        return found

    def _pass_through(self, member: BlobMember, digest: str) -> None:
        """Ask for a blob before it is read, and send it as it comes."""
        uploader, size = self._uploader, member.size_bytes
        if not uploader.is_new(digest):
            return
        uploader.finish()
        lacking = uploader.upload.find_missing({digest: size})
        if digest not in lacking:
            uploader.progress.skip(size)
            return
        sent = _StreamedBlob(digest, size, lacking[digest], uploader)
        sent.send(member.content)


class _StreamedBlob:
    """A blob that can't be read twice: a window of it is held until the server has that."""

    def __init__(self, digest: str, size: int, received_bytes: int, uploader: BlobUploader) -> None:
        self._digest = digest
        self._size = size
        self._reached = received_bytes
        self._resumed = received_bytes > 0
        self._uploader = uploader

    def send(self, content: Readable) -> None:
        """Read a window while the one before is sent."""
        self._uploader.progress.begin(self._size, self._reached)
        pass_over(content, self._reached)
        position, is_last = self._reached, False
        while not is_last:
            data = _read_window(content)
            window, position = BytesSource(data, position), position + len(data)
            is_last = position >= self._size
            self._uploader.run_beside(partial(self._send_window, window, position))
        self._uploader.finish()

    def _send_window(self, window: BytesSource, end_bytes: int) -> None:
        if end_bytes <= self._reached < self._size:
            return
        blob = Blob(self._digest, self._size, window)
        try:
            self._reached = self._uploader.upload.send(
                blob, self._reached, self._uploader.progress.advance, end_bytes=end_bytes
            )
        except DigestMismatch as error:
            failure = damaged(self._digest)
            if self._resumed:
                failure.hint = "Give the same command again: the first part may have been at fault."
            raise failure from error


def _read_window(content: Readable) -> bytes:
    blocks, size = [], 0
    while size < _WINDOW_BYTES and (data := content.read(min(BLOCK_BYTES, _WINDOW_BYTES - size))):
        blocks.append(data)
        size += len(data)
    return b"".join(blocks)


_PIPE_BYTES: Final = 1 << 20
"""What Linux lets everybody have (``/proc/sys/fs/pipe-max-size``)."""


def widen_pipe(stream: BinaryIO) -> None:
    """Let a pipe hold more than 64 KiB, if ``stream`` is one and may be widened (pipe(7)).

    Its writer then need not be woken sixteen times for each block that is read.
    """
    if sys.platform == "linux":
        # What is no pipe or no file at all can do without, and so can who has too many pipes.
        with suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
