"""Upload of an archive from a stream: layers are sent as they come, or spooled first."""

import fcntl
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

from au2.client.images.blob_uploader import BlobUploader, damaged
from au2.client.images.blobs import Blob, BytesSource, Keep
from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage, ArchivedLayer, describe_layer
from au2.oci.archive.contents import BlobMember
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.reader import read_archive
from au2.oci.decompression import LARGE_WINDOW_BYTES, Compression, decompressed
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.platform import Platform
from au2.oci.streams import Readable

_PIPE_BYTES: Final = 1 << 20
"""Largest pipe of an ordinary user on Linux (``/proc/sys/fs/pipe-max-size``)."""
_SENDABLE: Final = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})


def send_from_stream(
    stream: Readable, wanted: tuple[str | None, Platform], uploader: BlobUploader, keep: Keep
) -> tuple[ArchivedImage, Sequence[Descriptor]]:
    """Read the archive to its end and offer its layers; return image and layer descriptors.

    Only at the end is known which layers belong to the image. ``wanted``: the image's name, if
    stated, and the platform. ``keep``: spools layers that are sent while the next is read.
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
        """Send a member of the archive, or spool its bytes to send them while the next is read."""
        if member.compression not in _SENDABLE:
            return
        is_sent_plain = member.compression is Compression.ZSTD
        if member.digest is not None and not is_sent_plain:
            self._found[member.path] = describe_layer(
                member.digest, member.size_bytes, member.compression
            )
            self._uploader.stream(member.digest, member.size_bytes, member.content)
            return
        content: Readable = member.content
        if is_sent_plain:
            content = decompressed(content, window_bytes=LARGE_WINDOW_BYTES)
        size = None if is_sent_plain else member.size_bytes
        blob = self._keep(content, size, self._uploader.progress.read)
        compression = Compression.NONE if is_sent_plain else member.compression
        self._found[member.path] = describe_layer(blob.digest, blob.size_bytes, compression)
        self._uploader.offer([blob])

    def describe(self, layer: ArchivedLayer, documents: ArchiveDocuments) -> Descriptor:
        """Return a layer's descriptor; raises InvalidImage for another content than stated."""
        if layer.path not in self._found:
            data = documents.kept(layer.path)
            if data is None:
                raise InvalidImage(f"{layer.path!r} is not a layer")
            blob = Blob(sha256_of(data), len(data), BytesSource(data))
            self._uploader.offer([blob])
            self._found[layer.path] = describe_layer(
                blob.digest, blob.size_bytes, layer.compression
            )
        found = self._found[layer.path]
        if layer.compression is not Compression.GZIP and found.digest != layer.diff_id:
            raise damaged(layer.diff_id)
        return found


def widen_pipe(stream: BinaryIO) -> None:
    """Let a pipe hold more than 64 KiB, if ``stream`` is a pipe that may be widened (pipe(7)).

    Its writer then need not be woken sixteen times for each block.
    """
    if sys.platform == "linux":
        # Not a pipe, not a file, or too many pipes: an unchanged stream works as well.
        with suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
