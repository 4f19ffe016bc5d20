"""What building a runtime needs of a blob store; every one of :mod:`au2.blobs` has it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from au2.oci.config import ImageConfig
from au2.oci.digest import sha256_of
from au2.oci.manifest import Manifest

MODIFIED_AT = 315_532_800
"""1980-01-01: the time of every file. A ZIP archive can't hold an earlier one, and people zip."""


class LayerWriter(Protocol):
    """A layer on its way in."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Append bytes. Raises StorageFull, TooLarge."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        ...

    def commit(self) -> str:
        """Verify and keep the layer; return its digest. Raises DigestMismatch, StorageFull."""
        ...


class ImageStore(Protocol):
    """Where images go, by digest."""

    def contains(self, digest: str) -> bool:
        """Whether the blob is there."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """Open for reading, verified at the end. Raises BlobMissing."""
        ...

    def writer(
        self, *, digest: str | None = None, size_bytes: int | None = None
    ) -> AbstractContextManager[LayerWriter]:
        """Begin a blob; without commit it is gone."""
        ...

    def batch(self) -> AbstractContextManager[Callable[[str, bytes], None]]:
        """Add small blobs together."""
        ...


def save_image(store: ImageStore, manifest: Manifest, config: ImageConfig) -> str:
    """Store manifest and configuration, whose layers are there; return the manifest's digest."""
    data = manifest.to_bytes()
    digest = sha256_of(data)
    with store.batch() as add:
        add(manifest.config.digest, config.to_bytes())
        add(digest, data)
    return digest
