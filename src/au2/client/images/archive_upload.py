"""Upload of an image archive: check, choice of the image, layers, configuration and manifest."""

import os
import stat
from collections.abc import Callable, Sequence
from threading import Event
from typing import BinaryIO, NamedTuple

from au2.client.images.archive_stream import send_from_stream, widen_pipe
from au2.client.images.blob_uploader import BlobUploader, UploadProgressSink
from au2.client.images.blobs import (
    Blob,
    BlobSource,
    BytesSource,
    FileSource,
    Keep,
    UnpackedSource,
    hash_stream,
)
from au2.oci.archive.archived_image import (
    ArchivedImage,
    ArchivedLayer,
    describe_layer,
    make_manifest,
)
from au2.oci.archive.reader import ArchiveFile, open_archive, read_archive
from au2.oci.decompression import Compression
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.platform import LINUX, Platform, parse_platform
from au2.oci.streams import Readable
from au2.wire.upload import ImageUploadStatus, ImageUploadView


class WantedImage(NamedTuple):
    """Choice of one image in an archive."""

    name: str | None
    """As users type it; None: the only one."""
    platform: Platform
    """Of the server."""


def make_wanted_image(name: str | None, server: ImageUploadStatus | ImageUploadView) -> WantedImage:
    """Return the choice of an image by name, for the server's platform."""
    return WantedImage(name, parse_platform(LINUX, server.architecture, server.variant))


def send_archive(
    archive: BinaryIO, wanted: WantedImage, uploader: BlobUploader, keep: Keep
) -> tuple[bytes, str]:
    """Send the missing blobs of the wanted image; return its manifest and media type.

    Args:
        archive: read once from front to end, unless a plain file.
        wanted: choice of the image.
        uploader: sender; all blobs are on the server when this returns.
        keep: spools layers of a stream that must be read before they are sent.

    Raises:
        InvalidImage: no archive of images, damaged, cut off, or without the wanted image.
        LeaseLost: another sender took over.
        ServerUnreachable: for too long.
        Au2Error: no space for a layer.
    """
    found = _open_plain(archive)
    if found is not None:
        image = found.documents.choose(*wanted)
        layers = _send_from_file(archive.fileno(), found, image, uploader)
    else:
        widen_pipe(archive)
        image, layers = send_from_stream(archive, wanted, uploader, keep)
    config = BytesSource(image.config)
    uploader.offer([Blob(sha256_of(image.config), len(image.config), config)])
    uploader.finish()
    return make_manifest(image, layers)


def _open_plain(archive: BinaryIO) -> ArchiveFile | None:
    """Return an uncompressed regular file as an archive with random access, else None."""
    try:
        is_file = stat.S_ISREG(os.fstat(archive.fileno()).st_mode)
    except OSError:
        return None
    return open_archive(archive) if is_file else None


def check_archive(archive: BinaryIO, wanted: WantedImage) -> None:
    """Check an archive without sending; its position stays. A pipe is not read.

    Raises:
        InvalidImage: no archive of images, cut off, or without the wanted image.
    """
    found = _open_plain(archive)
    if found is not None:
        found.documents.choose(*wanted)
    elif archive.seekable():
        start = archive.tell()
        read_archive(archive, lambda _: None).choose(*wanted)
        archive.seek(start)


def find_manifest_digest(archive: BinaryIO, wanted: WantedImage) -> str | None:
    """Return the digest of the manifest in an upload of the archive; None: the archive is a pipe.

    Hashes only layers without a known digest: plain layers of a plain archive have theirs already.

    Raises:
        InvalidImage: as :func:`check_archive`; or a layer is damaged.
    """
    if not archive.seekable():
        return None
    start = archive.tell()
    uploader = BlobUploader(None, UploadProgressSink(), stop=Event())
    manifest, _ = send_archive(archive, wanted, uploader, _hash)
    archive.seek(start)
    return sha256_of(manifest)


def _send_from_file(
    descriptor: int, archive: ArchiveFile, image: ArchivedImage, uploader: BlobUploader
) -> Sequence[Descriptor]:
    """Offer the image's layers straight from the file; return their descriptors.

    Layers with a known digest go first, while the others are read: a plain layer's digest is its
    ``diff_id``, which the server checks. A layer compressed with zstd is sent plain.
    """
    if all(layer.compression is not Compression.ZSTD for layer in image.layers):
        sizes = {layer.diff_id: layer.size_bytes for layer in image.layers}
        uploader.progress.expect(sum(sizes.values()) + len(image.config))
    sources = {
        layer.path: FileSource(descriptor, archive.byte_range(layer.path)) for layer in image.layers
    }
    blobs = {
        layer.path: Blob(digest, layer.size_bytes, sources[layer.path])
        for layer in image.layers
        if (digest := _known_digest(layer)) is not None
    }
    if blobs:
        uploader.offer(list(blobs.values()))
    for layer in image.layers:
        if layer.path not in blobs:
            blobs[layer.path] = _read_layer(layer, sources[layer.path], uploader)
            uploader.offer([blobs[layer.path]])
    return [_describe(layer, blobs[layer.path]) for layer in image.layers]


def _known_digest(layer: ArchivedLayer) -> str | None:
    if layer.compression is Compression.NONE:
        return layer.diff_id
    if layer.compression is Compression.ZSTD or layer.descriptor is None:
        return None
    return layer.descriptor.digest


def _read_layer(layer: ArchivedLayer, packed: BlobSource, uploader: BlobUploader) -> Blob:
    is_sent_plain = layer.compression is Compression.ZSTD
    source = UnpackedSource(packed) if is_sent_plain else packed
    return Blob(*hash_stream(source.open(0), uploader.progress.read), source)


def _describe(layer: ArchivedLayer, blob: Blob) -> Descriptor:
    is_sent_plain = layer.compression is Compression.ZSTD
    compression = Compression.NONE if is_sent_plain else layer.compression
    return describe_layer(blob.digest, blob.size_bytes, compression)


def _hash(stream: Readable, _: int | None, counted: Callable[[int], None]) -> Blob:
    return Blob(*hash_stream(stream, counted), BytesSource(b""))
