"""Whole images in a blob store."""

from collections.abc import Iterable, Mapping

from au2.domain.errors import BlobMissing, DigestMismatch, InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.image import Image, check_layers_agree
from au2.oci.spec.manifest import Manifest, parse_manifest
from au2.oci.spec.mutate import AddedLayer
from au2.oci.streams import CHUNK_BYTES
from au2.oci.tar.writer import LayerEntry, write_layer
from au2.stores.content.protocol import ContentStore


def load_image(store: ContentStore, digest: str) -> Image:
    """Return the image whose manifest has ``digest``. The layers are not read.

    Raises:
        BlobMissing: manifest or configuration is missing or damaged.
        InvalidImage: one of them is not valid, or they do not agree.
    """
    manifest = parse_manifest(_read_document(store, digest))
    data = _read_document(store, manifest.config.digest)
    if len(data) != manifest.config.size_bytes:
        raise InvalidImage("the image's configuration has not the size that the manifest says")
    config = parse_config(data)
    check_layers_agree(manifest, config)
    return Image(digest, manifest, config)


def save_image(
    store: ContentStore,
    manifest: Manifest,
    config: ImageConfig,
    *,
    small_layers: Mapping[str, bytes] | None = None,
) -> str:
    """Store manifest and configuration of an image made here; return the manifest's digest.

    An image that is named is whole: the layers must be in the store already, but for
    ``small_layers`` (by digest), which are stored with it at the price of one flush to disk.

    Raises:
        InvalidImage: the manifest does not describe this configuration.
        BlobMissing: a layer is not in the store.
        StorageFull: no room.
    """
    check_layers_agree(manifest, config)
    config_data = config.to_bytes()
    if sha256_of(config_data) != manifest.config.digest:
        raise InvalidImage("the manifest belongs to another configuration")
    new = small_layers or {}
    for layer in manifest.layers:
        if layer.digest not in new:
            _count_on(store, layer)
    manifest_data = manifest.to_bytes()
    digest = sha256_of(manifest_data)
    with store.batch() as add:
        for layer_digest, layer_data in new.items():
            add(layer_digest, layer_data)
        add(manifest.config.digest, config_data)
        add(digest, manifest_data)
    return digest


def copy_image(source: ContentStore, target: ContentStore, digest: str) -> None:
    """Copy what ``target`` lacks of an image, checked on the way.

    Raises:
        BlobMissing, InvalidImage: as :func:`load_image`.
        DigestMismatch: a layer is damaged.
        StorageFull: no room.
    """
    image = load_image(source, digest)
    # The manifest comes last: an image that is named is whole.
    wanted = [layer.digest for layer in image.manifest.layers]
    for blob in (*wanted, image.manifest.config.digest, digest):
        if not target.contains(blob):
            _copy_blob(source, target, blob)


def save_layer(
    store: ContentStore,
    entries: Iterable[LayerEntry],
    created_by: str = "",
    *,
    modified_at: int = 0,
) -> AddedLayer:
    """Store an uncompressed layer of ``entries``; return it ready to be put on an image.

    Raises:
        InvalidImage, DigestMismatch: as :func:`au2.oci.tar.writer.write_layer` says.
        StorageFull, TooLarge: no room, or over the store's limit.
    """
    with store.writer() as writer:
        write_layer(entries, writer, modified_at=modified_at)
        digest = writer.commit()
        size_bytes = writer.size_bytes
    return AddedLayer(Descriptor(media_types.LAYER_TAR, digest, size_bytes), digest, created_by)


def _count_on(store: ContentStore, layer: Descriptor) -> None:
    """Raise BlobMissing unless a layer is there. It was asked for, so it stays for a while."""
    if not store.contains(layer.digest):
        raise BlobMissing(f"the layer {layer.digest} is not in the store")
    if store.size_bytes(layer.digest) != layer.size_bytes:
        raise BlobMissing(f"the layer {layer.digest} is damaged: it has not its size")


def _copy_blob(source: ContentStore, target: ContentStore, digest: str) -> None:
    with source.open(digest) as reader, target.writer(digest=digest) as writer:
        while data := reader.read(CHUNK_BYTES):
            writer.write(data)
        writer.commit()


def _read_document(store: ContentStore, digest: str) -> bytes:
    try:
        return store.read_bytes(digest, limit_bytes=MAX_DOCUMENT_BYTES)
    except DigestMismatch as error:
        raise BlobMissing(f"the blob {digest} is damaged: {error.message}") from error
