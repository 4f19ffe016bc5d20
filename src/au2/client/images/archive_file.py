"""An archive that is a plain file: its documents tell what the layers are before they are read."""

from collections.abc import Sequence
from hashlib import sha256

from au2.client.images.blob_sources import (
    BLOCK_BYTES,
    Blob,
    BlobSource,
    FileSource,
    UnpackedSource,
)
from au2.client.images.blob_uploader import BlobUploader
from au2.oci.archive.archived_image import ArchivedImage, ArchivedLayer, describe_layer
from au2.oci.archive.reader import ArchiveFile
from au2.oci.decompression import Compression
from au2.oci.spec.manifest import Descriptor


def send_from_file(
    descriptor: int, archive: ArchiveFile, image: ArchivedImage, shipment: BlobUploader
) -> Sequence[Descriptor]:
    """Offer the image's layers straight from the file; return what they are.

    The layers whose digest is known go first, while the others are read: a plain layer's digest is
    its ``diff_id``, which the server checks. A layer that is compressed with zstd is sent plain.
    """
    if all(layer.compression is not Compression.ZSTD for layer in image.layers):
        sizes = {layer.diff_id: layer.size_bytes for layer in image.layers}
        shipment.progress.expect(sum(sizes.values()) + len(image.config))
    sources = {
        layer.path: FileSource(descriptor, archive.place(layer.path)) for layer in image.layers
    }
    blobs = {
        layer.path: Blob(digest, layer.size_bytes, sources[layer.path])
        for layer in image.layers
        if (digest := _known_digest(layer)) is not None
    }
    if blobs:
        shipment.offer(list(blobs.values()))
    for layer in image.layers:
        if layer.path not in blobs:
            blobs[layer.path] = _read_layer(layer, sources[layer.path], shipment)
            shipment.offer([blobs[layer.path]])
    return [_describe(layer, blobs[layer.path]) for layer in image.layers]


def _known_digest(layer: ArchivedLayer) -> str | None:
    if layer.compression is Compression.NONE:
        return layer.diff_id
    if layer.compression is Compression.ZSTD or layer.descriptor is None:
        return None
    return layer.descriptor.digest


def _read_layer(layer: ArchivedLayer, packed: BlobSource, shipment: BlobUploader) -> Blob:
    is_sent_plain = layer.compression is Compression.ZSTD
    source = UnpackedSource(packed) if is_sent_plain else packed
    stream, hashed, size = source.open(0), sha256(), 0
    while data := stream.read(BLOCK_BYTES):
        hashed.update(data)
        size += len(data)
        shipment.progress.read(len(data))
    return Blob(f"sha256:{hashed.hexdigest()}", size, source)


def _describe(layer: ArchivedLayer, blob: Blob) -> Descriptor:
    is_sent_plain = layer.compression is Compression.ZSTD
    compression = Compression.NONE if is_sent_plain else layer.compression
    return describe_layer(blob.digest, blob.size_bytes, compression)
