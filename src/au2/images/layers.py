"""Layers that fit into memory."""

import io
from collections.abc import Iterable

from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.mutate import AddedLayer
from au2.oci.tar.writer import MODIFIED_AT, LayerEntry, write_layer


def make_small_layer(entries: Iterable[LayerEntry], created_by: str) -> tuple[AddedLayer, bytes]:
    """Make an uncompressed layer in memory; return what points to it, and its bytes.

    Raises as :func:`au2.oci.tar.writer.write_layer`.
    """
    out = io.BytesIO()
    write_layer(entries, out, modified_at=MODIFIED_AT)
    data = out.getvalue()
    digest = sha256_of(data)
    return _describe(digest, len(data), created_by), data


def _describe(digest: str, size_bytes: int, created_by: str) -> AddedLayer:
    return AddedLayer(Descriptor(media_types.LAYER_TAR, digest, size_bytes), digest, created_by)
