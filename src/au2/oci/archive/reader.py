"""Reading an archive of images as a stream, once, front to end."""

from collections.abc import Callable

from au2.domain.errors import InvalidImage
from au2.oci.archive import diagnostics
from au2.oci.archive.contents import ArchiveLimits, BlobMember
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.powershell import TextWatch, damage_explained
from au2.oci.archive.walk import walk
from au2.oci.compression.decompress import LARGE_WINDOW_BYTES, decompressed
from au2.oci.streams import Prefixed, Readable, read_start
from au2.oci.tar.header import BLOCK_BYTES
from au2.oci.tar.source import TarSource


def read_archive(
    stream: Readable,
    take: Callable[[BlobMember], None],
    limits: ArchiveLimits | None = None,
) -> ArchiveDocuments:
    """Read the archive to the very end of ``stream`` and return its documents.

    Which members are layers of the image that is wanted is known only at the end, when the
    documents are: most tools write those last. So ``take`` sees every member that may be a layer.

    Args:
        stream: the archive: plain, or compressed with gzip or zstd.
        take: reads of the member's content what it wants; what it raises goes through.
        limits: how much is taken.

    Raises:
        InvalidImage: this is no image archive, or one that is damaged, cut off or over a limit.
    """
    limits = limits or ArchiveLimits()
    watch = TextWatch(stream)
    try:
        plain = decompressed(watch, window_bytes=LARGE_WINDOW_BYTES)
        start = read_start(plain, BLOCK_BYTES)
        diagnostics.check_start(start)
        source = TarSource(Prefixed(start, plain), limits.stream_bytes, what="archive")
        # What has no image is refused at once: zero bytes, which are an archive's end, may go on.
        with damage_explained(lambda: watch):
            contents = walk(source, limits, take)
        with damage_explained(lambda: watch, contents.top_names):
            documents = ArchiveDocuments(contents)
        source.drain()
        return documents
    except InvalidImage as error:
        raise diagnostics.with_hint(error) from None
