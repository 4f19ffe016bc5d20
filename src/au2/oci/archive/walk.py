"""Walk over an archive's members, once, in a stream or a seekable file."""

from collections.abc import Callable

from au2.domain.errors import InvalidImage
from au2.oci.archive import diagnostics
from au2.oci.archive.contents import (
    ArchiveContents,
    ArchivedFile,
    ArchiveLimits,
    BlobMember,
    link_target,
    stated_digest,
)
from au2.oci.compression.decompress import Compression, find_compression
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.streams import Prefixed, Readable, read_start
from au2.oci.tar import header as tar_header
from au2.oci.tar.entries import read_entries
from au2.oci.tar.header import BLOCK_BYTES, padding
from au2.oci.tar.paths import clean_path, shown
from au2.oci.tar.source import MemberContent, TarSource
from au2.oci.tar.sparse import SparseContent


class NotContiguous(Exception):
    """Raised for a sparse file, which does not lie in the archive in one piece."""


def walk(
    source: TarSource, limits: ArchiveLimits, take: Callable[[BlobMember], None] | None
) -> ArchiveContents:
    """Read the archive to its end mark and return what it holds.

    Every file that may be a layer goes to ``take``, if there is one. Small files that look like
    JSON are kept instead. Folders, devices and the like are passed over.

    Raises:
        NotContiguous: a member can't be passed over and found again, and there is no ``take``.
        InvalidImage: damaged, cut off, over a limit, two different documents of one name, or
            plainly a root file system, which is refused without reading on.
    """
    contents = ArchiveContents(limits.kept_bytes)
    for entry in read_entries(source, limits.members, must_end=True):
        content = MemberContent(source, entry.content_bytes)
        path, size = clean_path(entry.path), entry.size_bytes
        if contents.note_name(path) and diagnostics.is_root_file_system(contents.top_names):
            raise diagnostics.root_file_system()
        if source.position + size > limits.stream_bytes:
            raise InvalidImage(f"{shown(path)} says it has {size} bytes")
        if entry.type in (tar_header.SYMBOLIC_LINK, tar_header.HARD_LINK):
            symbolic = entry.type == tar_header.SYMBOLIC_LINK
            contents.add_link(path, link_target(path, entry.target, symbolic=symbolic))
        elif entry.type in tar_header.REGULAR_TYPES and not entry.path.endswith("/"):
            whole: Readable = content
            if entry.sparse is not None:
                if take is None:
                    raise NotContiguous
                whole = SparseContent(content, entry.sparse)
            member = _visit_file(path, size, source.position, whole, contents)
            if member is not None and take is not None:
                take(member)
        content.finish(padding(entry.content_bytes))
    return contents


def _visit_file(
    path: str, size: int, offset: int, content: Readable, contents: ArchiveContents
) -> BlobMember | None:
    """Add a file to the contents; return it if it may be a layer."""
    digest = stated_digest(path)
    if digest is not None and contents.has(path):
        # Some tools write a shared layer twice: equal bytes, by the digest in its path.
        contents.check_copy(path, size)
        return None
    start = read_start(content, BLOCK_BYTES)
    compression = find_compression(start)
    may_be_layer = compression is not Compression.NONE or diagnostics.looks_like_tar(start)
    is_document = size <= MAX_DOCUMENT_BYTES and start.lstrip()[:1] in (b"{", b"[")
    document = start + content.read() if is_document else None
    contents.add_file(path, ArchivedFile(size, compression, may_be_layer, offset), document)
    if is_document or not may_be_layer:
        return None
    return BlobMember(path, size, digest, compression, Prefixed(start, content))
