"""Upload of an image archive: check, choice of the image, layers, configuration and manifest."""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from threading import Event
from typing import BinaryIO, NamedTuple

from au2.client.images.archive_stream import send_from_stream, widen_pipe
from au2.client.images.blob_uploader import BlobUploader
from au2.client.images.blobs import (
    BLOCK_BYTES,
    Blob,
    BlobSource,
    BytesSource,
    FileSource,
    Keep,
    UnpackedSource,
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


def send_from_file(
    descriptor: int, archive: ArchiveFile, image: ArchivedImage, uploader: BlobUploader
) -> Sequence[Descriptor]:
    """Offer the image's layers straight from the file; return what they are.

    The layers whose digest is known go first, while the others are read: a plain layer's digest is
    its ``diff_id``, which the server checks. A layer that is compressed with zstd is sent plain.
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
    stream, hashed, size = source.open(0), sha256(), 0
    while data := stream.read(BLOCK_BYTES):
        hashed.update(data)
        size += len(data)
        uploader.progress.read(len(data))
    return Blob(f"sha256:{hashed.hexdigest()}", size, source)


def _describe(layer: ArchivedLayer, blob: Blob) -> Descriptor:
    is_sent_plain = layer.compression is Compression.ZSTD
    compression = Compression.NONE if is_sent_plain else layer.compression
    return describe_layer(blob.digest, blob.size_bytes, compression)


class WantedImage(NamedTuple):
    """Which image of an archive."""

    name: str | None
    """As users type it; None: the only one."""
    platform: Platform
    """Of the server."""


def make_wanted_image(name: str | None, server: ImageUploadStatus | ImageUploadView) -> WantedImage:
    """Return which image is wanted, for the platform that the server has told."""
    return WantedImage(name, parse_platform(LINUX, server.architecture, server.variant))


def send_archive(
    archive: BinaryIO, wanted: WantedImage, uploader: BlobUploader, keep: Keep
) -> tuple[bytes, str]:
    """Send what is lacking of the image that is wanted; return its manifest and its media type.

    Args:
        archive: read once from front to end, unless it is a plain file.
        wanted: which image.
        shipment: takes it there; all of it is there in the end.
        keep: keeps layers of a stream that must be read before they are sent.

    Raises:
        InvalidImage: not an archive of images, damaged, cut off, or without the wanted image.
        LeaseLost: another sender took over.
        ServerUnreachable: for too long.
        Au2Error: no space for a layer.
    """
    found = open_plain(archive)
    if found is not None:
        image = found.documents.choose(*wanted)
        layers = send_from_file(archive.fileno(), found, image, uploader)
    else:
        widen_pipe(archive)
        image, layers = send_from_stream(archive, wanted, uploader, keep)
    config = BytesSource(image.config)
    uploader.offer([Blob(sha256_of(image.config), len(image.config), config)])
    uploader.finish()
    return make_manifest(image, layers)


def open_plain(archive: BinaryIO) -> ArchiveFile | None:
    """Return the archive if its members can be reached in any order: a file, not compressed."""
    try:
        is_file = stat.S_ISREG(os.fstat(archive.fileno()).st_mode)
    except OSError:
        return None
    return open_archive(archive) if is_file else None


def check_archive(archive: BinaryIO, wanted: WantedImage) -> None:
    """Find what is wrong with an archive without sending anything; it stands where it stood.

    One that can't be wound back (a pipe) is not read.

    Raises:
        InvalidImage: not an archive of images, cut off, or without the wanted image.
    """
    found = open_plain(archive)
    if found is not None:
        found.documents.choose(*wanted)
    elif archive.seekable():
        start = archive.tell()
        read_archive(archive, lambda _: None).choose(*wanted)
        archive.seek(start)


def find_manifest_digest(archive: BinaryIO, wanted: WantedImage) -> str | None:
    """Return the digest that the manifest of the image gets when it is sent; None: it is a pipe.

    Reads only what must be hashed: plain layers of a plain archive have their digests already.

    Raises:
        InvalidImage: as :func:`check_archive`; or a layer is damaged.
    """
    if not archive.seekable():
        return None
    start = archive.tell()
    uploader = BlobUploader(_Everything(), _Silent(), stop=Event())
    manifest, _ = send_archive(archive, wanted, uploader, _hash)
    archive.seek(start)
    return sha256_of(manifest)


class _Everything:
    """A place where every blob is already, so that nothing is sent."""

    def find_missing(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Nothing is."""
        return {}

    def send(
        self,
        blob: Blob,
        received_bytes: int,
        counted: Callable[[int], None],
        *,
        end_bytes: int | None = None,
    ) -> int:
        """Is not called: nothing is lacking."""
        return blob.size_bytes


class _Silent:
    """Progress that is not told."""

    def expect(self, size_bytes: int) -> None:
        """Nothing."""

    def read(self, size_bytes: int) -> None:
        """Nothing."""

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        """Nothing."""

    def advance(self, size_bytes: int) -> None:
        """Nothing."""

    def skip(self, blob_bytes: int) -> None:
        """Nothing."""


def _hash(stream: Readable, _: int | None, counted: Callable[[int], None]) -> Blob:
    hashed, size = sha256(), 0
    while data := stream.read(BLOCK_BYTES):
        hashed.update(data)
        size += len(data)
        counted(len(data))
    return Blob(f"sha256:{hashed.hexdigest()}", size, BytesSource(b""))
