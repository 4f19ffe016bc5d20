"""What an archive of images consists of."""

import re
from typing import NamedTuple

from au2.oci.compression.decompress import Compression
from au2.oci.streams import Readable

_BLOB_PATH = re.compile(r"blobs/sha256/([0-9a-f]{64})")


class BlobMember(NamedTuple):
    """A file of the archive that may be a layer: it begins like a tar archive or is compressed."""

    path: str
    """Clean and relative, unique in its archive."""
    size_bytes: int
    """As it lies in the archive: of the compressed bytes, if it is compressed."""
    digest: str | None
    """What its path states in an OCI image layout, unchecked; None: the path states nothing."""
    compression: Compression
    """By its first bytes."""
    content: Readable
    """To be read before ``take`` returns; what is not read is passed over."""


class ArchivedFile(NamedTuple):
    """A regular file of the archive, as the documents need to know it."""

    size_bytes: int
    compression: Compression
    may_be_layer: bool
    offset_bytes: int
    """Where its content begins in the uncompressed archive."""


def stated_digest(path: str) -> str | None:
    """Return the digest that a clean path states (OCI image specification, "Image Layout")."""
    found = _BLOB_PATH.fullmatch(path)
    return f"sha256:{found[1]}" if found else None


def blob_path(digest: str) -> str:
    """Return where an image layout has the blob; inverse of :func:`stated_digest`."""
    return "blobs/" + digest.replace(":", "/")
