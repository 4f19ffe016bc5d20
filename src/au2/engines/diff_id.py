"""Verification of a layer's diff_id, the digest of its uncompressed archive."""

import hashlib

from au2.domain.errors import InvalidImage
from au2.oci.spec.digest import hexadecimal
from au2.oci.streams import Readable


class DiffIdReader:
    """Stream of an uncompressed layer, whose digest is computed while it is read."""

    def __init__(self, stream: Readable, diff_id: str) -> None:
        self._stream = stream
        self._diff_id = diff_id
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def check(self) -> None:
        """Raise InvalidImage unless the stream, read to its end, has the diff_id."""
        if self._hash.hexdigest() != hexadecimal(self._diff_id):
            raise InvalidImage(
                f"a layer does not have the diff_id that the image says: {self._diff_id}"
            )
