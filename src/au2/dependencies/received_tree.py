"""Files received from a build container as layer entries. The container is not trusted."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from au2.dependencies.gateway import Body
from au2.domain.errors import DependenciesFailed, InvalidImage
from au2.oci.streams import ChunkReader, open_slice
from au2.oci.tar.layer import LayerLimits, LayerMember, MemberType, read_layer
from au2.oci.tar.paths import shown
from au2.oci.tar.writer import EntryType, LayerEntry, directory_entry, file_entry, link_entry
from au2.stores.durability import translated_faults

_CHUNK_BYTES = 1 << 20
_ENTRIES = 500_000


class ReceivedFiles(ABC):
    """Received archive: contents in one file, entries in memory. A subclass judges each member.

    Args:
        folder: folder of the file with the contents.
        max_bytes: limit for all contents.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._path = folder / "tree"
        self._max_bytes = max_bytes
        self.entries: list[LayerEntry] = []
        self.digests: dict[str, str] = {}
        """SHA-256 of every file, by path."""

    def receive(self, body: Body) -> None:
        """Read an archive.

        Raises:
            DependenciesFailed: malformed, cut off, over the limit, or with unknown member types.
            StorageFull: the disk is full.
        """
        limits = LayerLimits(entries=_ENTRIES, stream_bytes=self._max_bytes)
        entries: dict[str, LayerEntry] = {}
        size_bytes = 0
        self.digests.clear()
        try:
            with translated_faults(), self._path.open("wb") as contents:
                for member in read_layer(_BodyStream(body), limits):
                    entry = self._keep(member, contents, entries)
                    if entry is None:
                        continue
                    size_bytes += entry.size
                    if size_bytes > self._max_bytes:
                        raise InvalidImage(f"it is larger than {self._max_bytes} bytes")
                    entries[member.path] = entry
        except InvalidImage as error:
            raise DependenciesFailed(
                f"the installed files are not usable: {error.message}"
            ) from error
        self.entries = list(entries.values())

    @abstractmethod
    def _keep(
        self, member: LayerMember, contents: BinaryIO, entries: Mapping[str, LayerEntry]
    ) -> LayerEntry | None:
        """Return a member's entry; None: it is left out. Raises InvalidImage."""

    def _store(self, member: LayerMember, contents: BinaryIO) -> tuple[int, Callable[[], BinaryIO]]:
        """Keep a file's content; return its size and the function that opens it."""
        assert member.content is not None  # noqa: S101 - files have one
        begin, size, digest = contents.tell(), 0, hashlib.sha256()
        while chunk := member.content.read(_CHUNK_BYTES):
            size += contents.write(chunk)
            digest.update(chunk)
        self.digests[member.path] = digest.hexdigest()
        return size, partial(open_slice, self._path, begin, size)

    def _copy(self, member: LayerMember, entries: Mapping[str, LayerEntry]) -> LayerEntry:
        """Return a hard link as a separate file with the same content.

        The order of a file's names in the archive depends on the file system; the layer's digest
        must not.
        """
        original = entries.get(member.target)
        if original is None or original.type is EntryType.DIRECTORY:
            raise InvalidImage(
                f"{shown(member.path)} is a hard link to {shown(member.target)}, which is no file"
            )
        if member.target in self.digests:
            self.digests[member.path] = self.digests[member.target]
        return replace(original, path=member.path)


class ReceivedTree(ReceivedFiles):
    """Received files below one folder, which belong to root and have one of two modes.

    Args:
        folder: folder of the file with the contents.
        prefix: common parent path of all entries.
        max_bytes: limit for all contents.
    """

    def __init__(self, folder: Path, prefix: str, max_bytes: int) -> None:
        super().__init__(folder, max_bytes)
        self._prefix = prefix

    def _keep(
        self, member: LayerMember, contents: BinaryIO, entries: Mapping[str, LayerEntry]
    ) -> LayerEntry | None:
        if member.path == self._prefix and member.type is MemberType.DIRECTORY:
            return None
        if not member.path.startswith(f"{self._prefix}/"):
            raise InvalidImage(f"{shown(member.path)} is not below {self._prefix}")
        if member.type is MemberType.DIRECTORY:
            return directory_entry(member.path)
        if member.type is MemberType.LINK:
            return link_entry(member.path, member.target)
        if member.type is MemberType.HARD_LINK:
            return self._copy(member, entries)
        if member.type is not MemberType.FILE or member.content is None:
            raise InvalidImage(f"{shown(member.path)} is a {member.type}")
        size, opened = self._store(member, contents)
        return file_entry(member.path, size, opened, executable=bool(member.mode & 0o111))


class _BodyStream(ChunkReader):
    """A request body as a readable stream."""

    def __init__(self, body: Body) -> None:
        self._body, self._rest = body, b""

    def read_some(self, size: int) -> bytes:
        self._rest = self._rest or next(self._body, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data
