"""The contents of a package, read out of the layer that was made of them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, cast

from au2.domain.container_contract import PACKAGE_DIRECTORY
from au2.domain.errors import BlobMissing
from au2.oci.digest import VerifyingReader
from au2.oci.layer import LayerMember, read_layer
from au2.package.entries import PackageEntry
from au2.stores.content.base import BlobStore

_PREFIX = f"{PACKAGE_DIRECTORY.strip('/')}/"


class LayerContents:
    """Reads a package's layer once, front to end.

    Contents must be asked for in the order of archives (:func:`au2.oci.tar.format_layer`), which
    is that of the layer too; what the builder added beside them is passed over.
    """

    def __init__(self, blobs: BlobStore, layer_digest: str) -> None:
        self._blobs = blobs
        self._layer_digest = layer_digest
        self._layer: BinaryIO | None = None
        self._members: Iterator[LayerMember] = iter(())

    def open(self, entry: PackageEntry) -> BinaryIO:
        """Open the content of a file; it is checked against the file's digest.

        Raises:
            BlobMissing: the layer is not there, or does not hold it.
        """
        if self._layer is None:
            self._layer = self._blobs.open(self._layer_digest)
            self._members = read_layer(self._layer)
        wanted = _PREFIX + entry.path
        for member in self._members:
            if member.path == wanted and member.content is not None:
                found = VerifyingReader(member.content, f"sha256:{entry.sha256}", entry.size_bytes)
                return cast(BinaryIO, found)
        raise BlobMissing(f"'{entry.path}' is not in the package's layer {self._layer_digest}")

    def close(self) -> None:
        """Close the layer. Idempotent."""
        layer, self._layer = self._layer, None
        if layer is not None:
            with suppress(OSError):
                layer.close()
