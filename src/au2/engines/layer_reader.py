"""Reading of an image's layers: decompressed, and verified by digest and diff_id."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from au2.domain.errors import BlobMissing, DigestMismatch, InvalidImage
from au2.oci.decompression import decompressed
from au2.oci.spec.digest import hexadecimal
from au2.oci.streams import Readable
from au2.oci.tar.layer import LayerMember, read_layer
from au2.stores.content.protocol import Provider


class _DiffIdReader:
    """Stream of an uncompressed layer; computes the digest of the bytes read."""

    def __init__(self, stream: Readable, diff_id: str) -> None:
        self._stream = stream
        self._diff_id = diff_id
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def check(self) -> None:
        """Raise InvalidImage unless the stream, read to its end, has the diff_id."""
        if self._hash.hexdigest() != hexadecimal(self._diff_id):
            raise InvalidImage(
                f"a layer does not have the diff_id that the image says: {self._diff_id}"
            )


@contextmanager
def open_layer(
    blobs: Provider,
    digest: str,
    diff_id: str,
    meter: Callable[[Readable], Readable] = lambda stream: stream,
) -> Iterator[Iterable[LayerMember]]:
    """Open a layer; the block reads all members, and its end verifies the diff_id.

    Args:
        blobs: the content store.
        digest: of the blob, compressed or not.
        diff_id: digest of the uncompressed archive.
        meter: wraps both streams, the compressed and the uncompressed one.

    Raises:
        BlobMissing: the blob is missing or damaged.
        InvalidImage: the layer is not valid.
    """
    try:
        with blobs.open(digest) as blob:
            stream = meter(blob)
            # An uncompressed layer is the blob itself, whose digest is verified by its reader.
            checked = None
            if digest != diff_id:
                checked = _DiffIdReader(meter(decompressed(stream)), diff_id)
            yield read_layer(checked or stream, must_end=False)
            if checked is not None:
                checked.check()
    except DigestMismatch as error:
        raise BlobMissing(f"the layer {digest} is damaged: {error.message}") from error
