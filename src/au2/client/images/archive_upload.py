"""From an archive to the server: reading it, and sending what is lacking of its image."""

import os
import stat
from typing import BinaryIO, NamedTuple

from au2.client.images.archive_file import send_from_file
from au2.client.images.archive_stream import send_from_stream
from au2.client.images.blob_sources import Blob, BytesSource
from au2.client.images.blob_uploader import BlobUploader
from au2.client.images.pipes import widen_pipe
from au2.client.images.spool import Keep
from au2.oci.archive.archived_image import make_manifest
from au2.oci.archive.reader import ArchiveFile, open_archive
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.platform import LINUX, Platform, parse_platform
from au2.wire.image_upload import ImageUploadStatus, ImageUploadView


class Wanted(NamedTuple):
    """Which image of an archive."""

    name: str | None
    """As users type it; None: the only one."""
    platform: Platform
    """Of the server."""


def want_image(name: str | None, server: ImageUploadStatus | ImageUploadView) -> Wanted:
    """Return which image is wanted, for the platform that the server has told."""
    return Wanted(name, parse_platform(LINUX, server.architecture, server.variant))


def send_archive(
    archive: BinaryIO, wanted: Wanted, shipment: BlobUploader, keep: Keep
) -> tuple[bytes, str]:
    """Send what is lacking of the image that is wanted; return its manifest and its media type.

    Args:
        archive: read once from front to end, unless it is a plain file.
        wanted: which image.
        shipment: takes it there; all of it is there in the end.
        keep: keeps layers of a stream that must be read before they are sent.

    Raises:
        InvalidImage: not an archive of images, damaged, cut off, or without the wanted image.
        LeaseLost: another sender took over.
        ServerUnreachable: for too long.
        Au2Error: no space for a layer.
    """
    found = open_plain(archive)
    if found is not None:
        image = found.documents.choose(*wanted)
        layers = send_from_file(archive.fileno(), found, image, shipment)
    else:
        widen_pipe(archive)
        image, layers = send_from_stream(archive, wanted, shipment, keep)
    config = BytesSource(image.config)
    shipment.offer([Blob(sha256_of(image.config), len(image.config), config)])
    shipment.finish()
    return make_manifest(image, layers)


def open_plain(archive: BinaryIO) -> ArchiveFile | None:
    """Return the archive if its members can be reached in any order: a file, not compressed."""
    try:
        is_file = stat.S_ISREG(os.fstat(archive.fileno()).st_mode)
    except OSError:
        return None
    return open_archive(archive) if is_file else None
