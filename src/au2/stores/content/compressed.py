"""Compressed forms: blobs kept as another blob, which holds them compressed.

The same layer comes raw from ``docker save`` and gzipped from ``docker push``. The pushed one must
be returned byte for byte, so the store keeps the compressed blob; the raw one is read out of the
compressed one and need not be sent. An earlier raw blob is kept too and is read first: no reader
depends on the compression of another's push. An entry is a small file named by the raw digest, with
the digest of the compressed blob and the raw size.
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from au2.oci.decompression import decompressed
from au2.oci.spec.digest import hexadecimal
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.ingest import NEW_FILE, ContentPaths
from au2.stores.durability import opened, sync_path, translated_faults, write_whole

_ENTRY = re.compile(r"(sha256:[0-9a-f]{64}) ([0-9]{1,19})\n")


class CompressedForm(NamedTuple):
    """Compressed form of a blob."""

    digest: str
    """Digest of the compressed blob."""
    size_bytes: int
    """Size of the raw blob."""


class CompressedForms:
    """Compressed forms of one store's blobs."""

    def __init__(self, paths: ContentPaths) -> None:
        self._paths = paths

    def find(self, digest: str) -> CompressedForm | None:
        """Return a blob's compressed form; a damaged entry counts as none."""
        try:
            text = self._path(digest).read_text("ascii", "replace")
        except FileNotFoundError:
            return None
        entry = _ENTRY.fullmatch(text)
        return None if entry is None else CompressedForm(entry[1], int(entry[2]))

    def put(self, digest: str, kept: CompressedForm) -> None:
        """Write an entry, durable when this returns. Raises StorageFull."""
        temporary, path = self._paths.new_incoming(), self._path(digest)
        try:
            with translated_faults():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                with opened(temporary, NEW_FILE) as descriptor:
                    write_whole(descriptor, f"{kept.digest} {kept.size_bytes}\n".encode())
                    os.fsync(descriptor)
                temporary.replace(path)
                sync_path(path.parent)
                sync_path(path.parent.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, digest: str) -> None:
        """Remove the entry, if there is one."""
        self._path(digest).unlink(missing_ok=True)

    def list_digests(self) -> Iterator[str]:
        """Every digest with a compressed form."""
        for path in self._paths.compressed.glob("??/*"):
            yield f"sha256:{path.name}"

    def _path(self, digest: str) -> Path:
        digits = hexadecimal(digest)
        return self._paths.compressed / digits[:2] / digits


class DecompressedFile(io.BufferedIOBase):
    """Reader of a compressed file's uncompressed bytes; closes the file with itself."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._stream = decompressed(file)

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes. Raises InvalidImage if the file is damaged."""
        return self._stream.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        """Read once from the stream below."""
        return self.read(CHUNK_BYTES if size < 0 else size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def skip(self, size_bytes: int) -> None:
        """Skip so many bytes, or all if there are fewer."""
        while size_bytes and (data := self.read(min(size_bytes, CHUNK_BYTES))):
            size_bytes -= len(data)
