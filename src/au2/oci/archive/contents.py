"""What an archive turned out to hold: documents in memory, everything else by name and place."""

import posixpath
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive.member import ArchivedFile, stated_digest
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.tar.paths import clean_path, shown

_MOST_LINKS = 40
"""Links that are followed for one name, as Linux does (``ELOOP``)."""
_BYTES_PER_NAME = 400
"""What remembering a member takes beside its name, roughly."""
_MOST_TOP_NAMES = 1000


class ArchiveLimits(NamedTuple):
    """How much of an archive is taken."""

    members: int = 50_000
    """Headers of any kind; an image of 500 layers from Docker 20.10 has 2000."""
    stream_bytes: int = 1 << 40
    """Of the whole archive, uncompressed."""
    kept_bytes: int = 64 << 20
    """Documents, names and links that are held in memory."""


class ArchiveContents:
    """The files and links of an archive, by their clean paths.

    Of several members of one name the last counts, as for ``docker load`` and whoever unpacks the
    archive to a disk: some tools write a layer that images share once for each. Two documents of
    one name must be equal, since others (podman, skopeo) take the first.
    """

    def __init__(self, kept_limit_bytes: int) -> None:
        self._files: dict[str, ArchivedFile] = {}
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._left_bytes = kept_limit_bytes
        self.top_names: set[str] = set()
        """First parts of the paths, folders included: they tell what else it may be."""

    def note_name(self, path: str) -> bool:
        """Remember the first part of a path, if there are not too many; True: it is a new one."""
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

    def add_link(self, path: str, target: str) -> None:
        """Add a link to ``target``, a path in the archive that need not be clean or there.

        Raises as :meth:`add_file`.
        """
        self._claim(path, len(path) + len(target))
        self._links[path] = target

    def has(self, path: str) -> bool:
        """Whether there is a file or link of this name."""
        return path in self._files or path in self._links

    def kept(self, path: str) -> bytes | None:
        """Return the bytes of a small file that looks like JSON; None for other files."""
        return self._documents.get(path)

    def file(self, path: str) -> ArchivedFile:
        """Return what is known of a file by its resolved path."""
        return self._files[path]

    def resolve(self, name: str, what: str) -> str:
        """Return the path of the file that ``name`` leads to, through links.

        Raises:
            InvalidImage: it leads nowhere, in a circle or out of the archive; ``what`` says whose
                name it is.
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
        """Return the document of this name; one that states a digest in its path has it.

        Raises:
            InvalidImage: not there, too large, no JSON, or not what its path states.
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
            raise InvalidImage(f"{shown(path)} is in the archive twice, with different contents")
        self._files.pop(path, None)
        self._links.pop(path, None)
        self._charge(_BYTES_PER_NAME + name_bytes)

    def _charge(self, size: int) -> None:
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise InvalidImage("the archive holds more documents and names than an image has")


def link_target(path: str, target: str, *, symbolic: bool) -> str:
    """Return where a link in the archive leads: symbolic ones start at their own folder.

    An absolute target means the root of the archive, as for everybody who unpacks it somewhere.
    """
    if not symbolic or target.startswith("/"):
        return target
    return posixpath.join(posixpath.dirname(path), target)
