"""Storing layers that are made here."""

import io
from collections.abc import Iterable

from au2.blobs.base import BlobStore
from au2.oci import media_types
from au2.oci.descriptor import Descriptor
from au2.oci.digest import sha256_of
from au2.oci.mutate import AddedLayer
from au2.oci.tar import LayerEntry, write_layer
from au2.runtimes.store import MODIFIED_AT


def store_layer(blobs: BlobStore, entries: Iterable[LayerEntry], created_by: str) -> AddedLayer:
    """Write an uncompressed layer, streaming; return what points to it.

    Raises:
        InvalidImage: an entry is not fit for a layer.
        DigestMismatch: a content is not what it was said to be.
        StorageFull: no room.
    """
    with blobs.writer() as writer:
        write_layer(entries, writer, modified_at=MODIFIED_AT)
        digest = writer.commit()
        size_bytes = writer.size_bytes
    return _describe(digest, size_bytes, created_by)


def make_small_layer(entries: Iterable[LayerEntry], created_by: str) -> tuple[AddedLayer, bytes]:
    """Make an uncompressed layer in memory; return what points to it, and its bytes.

    Raises as :func:`store_layer`, but for the store's room.
    """
    out = io.BytesIO()
    write_layer(entries, out, modified_at=MODIFIED_AT)
    data = out.getvalue()
    digest = sha256_of(data)
    return _describe(digest, len(data), created_by), data


def _describe(digest: str, size_bytes: int, created_by: str) -> AddedLayer:
    return AddedLayer(Descriptor(media_types.LAYER_TAR, digest, size_bytes), digest, created_by)
