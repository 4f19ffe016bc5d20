"""Archives as ``docker save`` writes them, made of stored images."""

from typing import BinaryIO, Protocol

from au2.oci.archive.writer import docker_archive_entries
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.image import Image
from au2.oci.streams import Writable
from au2.oci.tar.writer import write_layer


class Blobs(Protocol):
    """Source of an image's blobs."""

    def open(self, digest: str) -> BinaryIO:
        """Open a blob."""
        ...

    def read_bytes(self, digest: str, *, limit_bytes: int) -> bytes:
        """Read a small blob whole."""
        ...


def write_docker_archive(image: Image, blobs: Blobs, out: Writable, tag: str) -> None:
    """Write ``image`` as ``docker save`` would, named ``tag`` (``name:version``)."""
    manifest = blobs.read_bytes(image.manifest_digest, limit_bytes=MAX_DOCUMENT_BYTES)
    write_layer(docker_archive_entries(image, manifest, blobs, tag), out)
