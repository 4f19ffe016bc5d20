"""Blobs that are kept as another blob, which holds them compressed.

The same layer comes raw from ``docker save`` and gzipped from ``docker push``. The one that was
pushed must be given back byte for byte, so it is kept; the raw one is read out of it, and need not
come. Where that came first, both are kept, and the raw one is read: what others read does not hang
on how somebody compresses. An entry here is a small file named by the raw digest: the other blob's
digest and the raw size.
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from au2.oci.compression.decompress import decompressed
from au2.oci.spec.digest import hexadecimal
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.durability import sync_path
from au2.stores.content.faults import translated_faults
from au2.stores.content.ingest import ContentPaths

_ENTRY = re.compile(r"(sha256:[0-9a-f]{64}) ([0-9]{1,19})\n")


class Compressed(NamedTuple):
    """What a blob is kept as."""

    digest: str
    """Of the blob that holds it."""
    size_bytes: int
    """Of the raw blob."""


class CompressedBlobs:
    """The entries of one store."""

    def __init__(self, folders: ContentPaths) -> None:
        self._folders = folders

    def find(self, digest: str) -> Compressed | None:
        """Return what a blob is kept as; an entry that is damaged counts as none."""
        try:
            text = self._path(digest).read_text("ascii", "replace")
        except FileNotFoundError:
            return None
        entry = _ENTRY.fullmatch(text)
        return None if entry is None else Compressed(entry[1], int(entry[2]))

    def put(self, digest: str, kept: Compressed) -> None:
        """Write an entry, durable when this returns. Raises StorageFull."""
        temporary, path = self._folders.new_incoming(), self._path(digest)
        try:
            with translated_faults():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    os.write(descriptor, f"{kept.digest} {kept.size_bytes}\n".encode())
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                temporary.replace(path)
                sync_path(path.parent)
                sync_path(path.parent.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, digest: str) -> None:
        """Remove the entry, if there is one."""
        self._path(digest).unlink(missing_ok=True)

    def list_digests(self) -> Iterator[str]:
        """Every digest that has an entry."""
        for path in self._folders.compressed.glob("??/*"):
            yield f"sha256:{path.name}"

    def _path(self, digest: str) -> Path:
        digits = hexadecimal(digest)
        return self._folders.compressed / digits[:2] / digits


class DecompressedFile(io.BufferedIOBase):
    """Reads a compressed file as what is in it; closes the file with itself."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._stream = decompressed(file)

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes; raises InvalidImage if the file is damaged."""
        return self._stream.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        """Read once from below."""
        return self.read(CHUNK_BYTES if size < 0 else size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def skip(self, size_bytes: int) -> None:
        """Pass over so many bytes, or all there are."""
        while size_bytes and (data := self.read(min(size_bytes, CHUNK_BYTES))):
            size_bytes -= len(data)
