"""Images in a content store: load, save, copy."""

from collections.abc import Iterable, Mapping

from au2.domain.errors import BlobMissing, DigestMismatch, InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.image import AddedLayer, Image, check_layers_agree
from au2.oci.spec.manifest import Descriptor, Manifest, parse_manifest
from au2.oci.streams import CHUNK_BYTES
from au2.oci.tar.writer import LayerEntry, write_layer
from au2.stores.content.protocol import Ingester, IngesterProvider, Provider


def load_image(store: Provider, digest: str) -> Image:
    """Return the image of a manifest's digest. The layers are not read.

    Raises:
        BlobMissing: manifest or configuration is missing or damaged.
        InvalidImage: one of them is not valid, or they do not agree.
    """
    manifest = parse_manifest(_read_document(store, digest))
    data = _read_document(store, manifest.config.digest)
    if len(data) != manifest.config.size_bytes:
        raise InvalidImage("the size of the image's configuration does not match the manifest")
    config = parse_config(data)
    check_layers_agree(manifest, config)
    return Image(digest, manifest, config)


def save_image(
    store: IngesterProvider,
    manifest: Manifest,
    config: ImageConfig,
    *,
    small_layers: Mapping[str, bytes] | None = None,
) -> str:
    """Store manifest and configuration of an image made here; return the manifest's digest.

    A named image is whole: its layers must be in the store already and are leased, except
    ``small_layers`` (by digest), which are stored with the image at the price of one flush to disk.

    Raises:
        InvalidImage: the manifest does not describe this configuration.
        BlobMissing: a layer is not in the store.
        StorageFull: the disk is full.
    """
    check_layers_agree(manifest, config)
    config_data = config.to_bytes()
    if sha256_of(config_data) != manifest.config.digest:
        raise InvalidImage("the manifest belongs to another configuration")
    new = small_layers or {}
    for layer in manifest.layers:
        if layer.digest not in new:
            _lease_layer(store, layer)
    manifest_data = manifest.to_bytes()
    digest = sha256_of(manifest_data)
    with store.batch() as add:
        for layer_digest, layer_data in new.items():
            add(layer_digest, layer_data)
        add(manifest.config.digest, config_data)
        add(digest, manifest_data)
    return digest


def copy_image(source: Provider, target: IngesterProvider, digest: str) -> None:
    """Copy the blobs of an image missing in ``target``, verified on the way.

    Raises:
        BlobMissing, InvalidImage: as :func:`load_image`.
        DigestMismatch: a layer is damaged.
        StorageFull: the disk is full.
    """
    image = load_image(source, digest)
    # The manifest comes last: a named image is whole.
    layers = [layer.digest for layer in image.manifest.layers]
    for blob in (*layers, image.manifest.config.digest, digest):
        if not target.lease(blob):
            _copy_blob(source, target, blob)


def save_layer(
    store: Ingester,
    entries: Iterable[LayerEntry],
    created_by: str = "",
    *,
    modified_at: int = 0,
) -> AddedLayer:
    """Store an uncompressed layer of ``entries``; return the layer, ready to be put on an image.

    Raises:
        InvalidImage, DigestMismatch: as :func:`au2.oci.tar.writer.write_layer` says.
        StorageFull, TooLarge: the disk is full, or the layer is over the store's limit.
    """
    with store.writer() as writer:
        write_layer(entries, writer, modified_at=modified_at)
        digest = writer.commit()
        size_bytes = writer.size_bytes
    return AddedLayer(Descriptor(media_types.LAYER_TAR, digest, size_bytes), digest, created_by)


def _lease_layer(store: Provider, layer: Descriptor) -> None:
    """Lease a layer. Raises BlobMissing if the layer is not in the store, or has another size."""
    if not store.lease(layer.digest):
        raise BlobMissing(f"the layer {layer.digest} is not in the store")
    if store.size_bytes(layer.digest) != layer.size_bytes:
        raise BlobMissing(f"the layer {layer.digest} is damaged: its size does not match")


def _copy_blob(source: Provider, target: Ingester, digest: str) -> None:
    with source.open(digest) as reader, target.writer(digest=digest) as writer:
        while data := reader.read(CHUNK_BYTES):
            writer.write(data)
        writer.commit()


def _read_document(store: Provider, digest: str) -> bytes:
    try:
        return store.read_bytes(digest, limit_bytes=MAX_DOCUMENT_BYTES)
    except DigestMismatch as error:
        raise BlobMissing(f"the blob {digest} is damaged: {error.message}") from error
