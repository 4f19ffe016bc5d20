"""Contents of an archive: small documents in memory, all other members by name and offset."""

import posixpath
import re
from collections.abc import Callable
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive import diagnostics
from au2.oci.decompression import Compression, find_compression
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.streams import Prefixed, Readable, read_start
from au2.oci.tar import header as tar_header
from au2.oci.tar.entries import read_entries
from au2.oci.tar.header import BLOCK_BYTES, padding
from au2.oci.tar.paths import clean_path, shown
from au2.oci.tar.source import MemberContent, TarSource
from au2.oci.tar.sparse import SparseContent

_BLOB_PATH = re.compile(r"blobs/sha256/([0-9a-f]{64})")


class BlobMember(NamedTuple):
    """Member with the beginning of a tar archive or of compressed data: possibly a layer."""

    path: str
    """Clean and relative, unique in its archive."""
    size_bytes: int
    """Size in the archive: of the compressed bytes, if the member is compressed."""
    digest: str | None
    """Digest in the path of an OCI image layout, unverified; None for other paths."""
    compression: Compression
    """By its first bytes."""
    content: Readable
    """To be read before ``take`` returns; unread bytes are skipped."""


class ArchivedFile(NamedTuple):
    """Regular file of the archive: size, compression and offset."""

    size_bytes: int
    compression: Compression
    may_be_layer: bool
    offset_bytes: int
    """Offset of its content in the uncompressed archive."""


def stated_digest(path: str) -> str | None:
    """Return the digest in a clean path (OCI image specification, "Image Layout")."""
    found = _BLOB_PATH.fullmatch(path)
    return f"sha256:{found[1]}" if found else None


def blob_path(digest: str) -> str:
    """Return the path of a blob in an image layout; inverse of :func:`stated_digest`."""
    return "blobs/" + digest.replace(":", "/")


_MOST_LINKS = 40
"""Links that are followed for one name, as Linux does (``ELOOP``)."""
_BYTES_PER_NAME = 400
"""Memory for a member beside its name, roughly."""
_MOST_TOP_NAMES = 1000


class ArchiveLimits(NamedTuple):
    """Limits of an archive."""

    members: int = 50_000
    """Headers of any kind; an image of 500 layers from Docker 20.10 has 2000."""
    stream_bytes: int = 1 << 40
    """Of the whole archive, uncompressed."""
    kept_bytes: int = 64 << 20
    """Documents, names and links that are held in memory."""


class ArchiveContents:
    """Files and links of an archive, by their clean paths.

    Of several members of one name the last counts, as for ``docker load`` and when unpacking to a
    disk: some tools write a layer shared by images once for each. Two documents of one name must be
    equal, since others (podman, skopeo) take the first.
    """

    def __init__(self, kept_limit_bytes: int) -> None:
        self._files: dict[str, ArchivedFile] = {}
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._left_bytes = kept_limit_bytes
        self.top_names: set[str] = set()
        """Top-level names, folders included, for diagnostics of other kinds of archives."""

    def note_name(self, path: str) -> bool:
        """Add a path's top-level name, up to a limit; return whether the name is new."""
        name, before = path.partition("/")[0], len(self.top_names)
        if before < _MOST_TOP_NAMES:
            self.top_names.add(name)
        return len(self.top_names) > before

    def add_file(self, path: str, file: ArchivedFile, document: bytes | None = None) -> None:
        """Add a file, and keep its bytes if they are a document.

        Raises:
            InvalidImage: there was another document of this name, or there are too many bytes.
        """
        self._claim(path, len(path), document)
        self._files[path] = file
        if document is not None:
            self._charge(len(document))
            self._documents[path] = document

    def check_copy(self, path: str, size_bytes: int) -> None:
        """Raise InvalidImage if an earlier file of this path has another size."""
        first = self._files.get(path)
        if first is not None and first.size_bytes != size_bytes:
            raise _differing_copies(path)

    def add_link(self, path: str, target: str) -> None:
        """Add a link to ``target``, a path in the archive, not necessarily clean or existing.

        Raises as :meth:`add_file`.
        """
        self._claim(path, len(path) + len(target))
        self._links[path] = target

    def has(self, path: str) -> bool:
        """Whether there is a file or link of this name."""
        return path in self._files or path in self._links

    def kept(self, path: str) -> bytes | None:
        """Return the bytes of a small file if they look like JSON; None for other files."""
        return self._documents.get(path)

    def file(self, path: str) -> ArchivedFile:
        """Return the file of a resolved path."""
        return self._files[path]

    def resolve(self, name: str, what: str) -> str:
        """Return the path of the file behind ``name``, through links.

        Raises:
            InvalidImage: a dead end, a circle, or a link out of the archive; ``what`` is the kind
                of the file in messages.
        """
        path = clean_path(name)
        for _ in range(_MOST_LINKS):
            if path in self._files:
                return path
            if path not in self._links:
                raise InvalidImage(f"the {what} {shown(name)} is not in the archive")
            path = clean_path(self._links[path])
        raise InvalidImage(f"the links from the {what} {shown(name)} lead in a circle")

    def document(self, name: str, what: str) -> bytes:
        """Return the document of this name, verified by the digest in its path, if there is one.

        Raises:
            InvalidImage: missing, too large, no JSON, or of another digest.
        """
        path = self.resolve(name, what)
        data = self._documents.get(path)
        if data is None and self._files[path].size_bytes > MAX_DOCUMENT_BYTES:
            raise InvalidImage(
                f"the {what} {shown(name)} is larger than {MAX_DOCUMENT_BYTES} bytes"
            )
        if data is None:
            raise InvalidImage(f"the {what} {shown(name)} is not JSON")
        if (stated_digest(path) or sha256_of(data)) != sha256_of(data):
            raise InvalidImage(f"the archive is damaged: {path} does not have its digest")
        return data

    def _claim(self, path: str, name_bytes: int, document: bytes | None = None) -> None:
        if self._documents.get(path, document) != document:
            raise _differing_copies(path)
        self._files.pop(path, None)
        self._links.pop(path, None)
        self._charge(_BYTES_PER_NAME + name_bytes)

    def _charge(self, size: int) -> None:
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise InvalidImage("the archive holds more documents and names than an image has")


def _differing_copies(path: str) -> InvalidImage:
    return InvalidImage(f"{shown(path)} is in the archive twice, with different contents")


def link_target(path: str, target: str, *, symbolic: bool) -> str:
    """Return the target of a link in the archive: symbolic ones start at their own folder.

    An absolute target starts at the root of the archive, as when unpacked somewhere.
    """
    if not symbolic or target.startswith("/"):
        return target
    return posixpath.join(posixpath.dirname(path), target)


class NotContiguous(Exception):
    """Raised for a sparse file, which does not lie in the archive in one piece."""


def walk(
    source: TarSource, limits: ArchiveLimits, take: Callable[[BlobMember], None] | None
) -> ArchiveContents:
    """Read the archive to its end mark and return its contents.

    Every possible layer goes to ``take``, if given. Small files with the look of JSON are kept
    instead. Folders, devices and the like are skipped.

    Raises:
        NotContiguous: a member can't be skipped and found again, and there is no ``take``.
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
