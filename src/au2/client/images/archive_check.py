"""An archive that is a file, before it is sent: is it in order, and which image is it?"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Event
from typing import BinaryIO

from au2.client.images.archive_upload import Wanted, open_plain, send_archive
from au2.client.images.blob_sources import BLOCK_BYTES, Blob, BytesSource
from au2.client.images.blob_uploader import BlobUploader
from au2.oci.archive.reader import read_archive
from au2.oci.spec.digest import sha256_of
from au2.oci.streams import Readable


def check_archive(archive: BinaryIO, wanted: Wanted) -> None:
    """Find what is wrong with an archive without sending anything; it stands where it stood.

    One that can't be wound back (a pipe) is not read.

    Raises:
        InvalidImage: not an archive of images, cut off, or without the wanted image.
    """
    found = open_plain(archive)
    if found is not None:
        found.documents.choose(*wanted)
    elif archive.seekable():
        start = archive.tell()
        read_archive(archive, lambda _: None).choose(*wanted)
        archive.seek(start)


def find_manifest_digest(archive: BinaryIO, wanted: Wanted) -> str | None:
    """Return the digest that the manifest of the image gets when it is sent; None: it is a pipe.

    Reads only what must be hashed: plain layers of a plain archive have their digests already.

    Raises:
        InvalidImage: as :func:`check_archive`; or a layer is damaged.
    """
    if not archive.seekable():
        return None
    start = archive.tell()
    shipment = BlobUploader(_Everything(), _Silent(), stop=Event())
    manifest, _ = send_archive(archive, wanted, shipment, _hash)
    archive.seek(start)
    return sha256_of(manifest)


class _Everything:
    """A place where every blob is already, so that nothing is sent."""

    def find_lacking(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Nothing is."""
        return {}

    def send(
        self,
        blob: Blob,
        received_bytes: int,
        counted: Callable[[int], None],
        *,
        end_bytes: int | None = None,
    ) -> int:
        """Is not called: nothing is lacking."""
        return blob.size_bytes


class _Silent:
    """Progress that is not told."""

    def expect(self, size_bytes: int) -> None:
        """Nothing."""

    def read(self, size_bytes: int) -> None:
        """Nothing."""

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        """Nothing."""

    def advance(self, size_bytes: int) -> None:
        """Nothing."""

    def skip(self, blob_bytes: int) -> None:
        """Nothing."""


def _hash(stream: Readable, _: int | None, counted: Callable[[int], None]) -> Blob:
    hashed, size = sha256(), 0
    while data := stream.read(BLOCK_BYTES):
        hashed.update(data)
        size += len(data)
        counted(len(data))
    return Blob(f"sha256:{hashed.hexdigest()}", size, BytesSource(b""))
