"""Files of a backup: their paths, the backup's description, and checked reading.

The paths are those of a data directory. Left out are the secret key, which is kept apart from the
data; unpacked layers, containers and downloads, which are made again; and unfinished blobs.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Self

from au2.domain.errors import DigestMismatch, InvalidRequest

DATABASE = "database/au2.sqlite3"
SETTINGS = "settings.toml"
DESCRIPTION = "backup.json"
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_COMPRESSED = re.compile(r"blobs/compressed/([0-9a-f]{2})/\1[0-9a-f]{62}")
_LOG = re.compile(r"logs/[0-9]{1,20}/[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
SINGLE_FILES = (DATABASE, SETTINGS, DESCRIPTION)
_FOLDERS = ("blobs/sha256", "blobs/compressed", "logs")
_FORMAT = 1
DESCRIPTION_BYTES = 64 << 10
"""The longest description that is read."""
CHUNK_BYTES = 1 << 20


def is_part(path: str) -> bool:
    """Return whether a path may be in a backup: no other entry of an archive is ever written."""
    patterns = (_BLOB, _COMPRESSED, _LOG)
    return path in SINGLE_FILES or any(pattern.fullmatch(path) for pattern in patterns)


def find_sha256(path: str) -> str | None:
    """Return the SHA-256 of a blob's content, as hexadecimal digits; None for other files."""
    match = _BLOB.fullmatch(path)
    return None if match is None else match[2]


def is_log(path: str) -> bool:
    """Return whether the file is a job's log, which others may be appending to."""
    return _LOG.fullmatch(path) is not None


def list_stored(root: Path) -> Iterator[str]:
    """Yield the paths of blobs and logs below a data directory or a backup in a folder."""
    for folder in _FOLDERS:
        for path in sorted((root / folder).glob("*/*")):
            name = path.relative_to(root).as_posix()
            if is_part(name) and path.is_file() and not path.is_symlink():
                yield name


@dataclass(frozen=True, slots=True)
class Description:
    """Description of a backup: the content of ``backup.json``."""

    au2_version: str
    created_at: str
    """RFC 3339, UTC."""
    data_directory: str
    """Absolute path of the installation that it was made of."""
    format: int = _FORMAT

    def to_bytes(self) -> bytes:
        """Return JSON; inverse of :meth:`parse`."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the description in ``data``. Raises InvalidRequest."""
        try:
            document = json.loads(data[:DESCRIPTION_BYTES])
            texts = [document[name] for name in ("au2_version", "created_at", "data_directory")]
            number = document["format"]
        except (ValueError, KeyError, TypeError, RecursionError):
            texts, number = [None], None
        if number != _FORMAT and isinstance(number, int):
            raise InvalidRequest(
                f"The backup has format {number}, and this au2 reads format {_FORMAT}.",
                hint="Restore it with the version of au2 that made it.",
            )
        if number is None or not all(isinstance(text, str) for text in texts):
            raise InvalidRequest(f"'{DESCRIPTION}' of the backup is damaged.")
        return cls(*texts)


class CheckedStream(io.RawIOBase):
    """Reader of exactly ``size_bytes``; a blob's SHA-256 is compared at the end."""

    def __init__(
        self,
        stream: BinaryIO,
        path: str,
        *,
        size_bytes: int,
        sha256: str | None,
        progress: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._stream = stream
        self._path = path
        self._left_bytes = size_bytes
        self._sha256 = sha256
        self._hash = None if sha256 is None else hashlib.sha256()
        self._progress = progress

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes. Raises DigestMismatch for a damaged file."""
        wanted = min(self._left_bytes, CHUNK_BYTES if size < 0 else size)
        if not wanted:
            return b""
        data = self._stream.read(wanted)
        if not data:
            raise DigestMismatch(f"'{self._path}' became shorter while it was read.")
        self._left_bytes -= len(data)
        self._progress(len(data))
        if self._hash is not None:
            self._hash.update(data)
            if not self._left_bytes and self._hash.hexdigest() != self._sha256:
                raise DigestMismatch(f"'{self._path}' does not have the content of its digest.")
        return data
