"""Logs in files: one per attempt, ``<root>/<job // 1000>/<job>-<attempt>.log``."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from au2.domain.errors import StorageFull
from au2.logs.record import Record, format_record

_JOBS_PER_FOLDER = 1000
_MAX_RECORD_BYTES = 8192
"""Content bytes of a record that we write, so that readers may count on small ones."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileLogStore:
    """A :class:`~au2.logs.base.LogStore` in a folder of the local file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, job_id: int, attempt: int, data: bytes) -> int:
        """Append whole records; see the protocol."""
        with _storage_full(), self._open(job_id, attempt, os.O_WRONLY | os.O_CREAT) as log:
            size_before = os.fstat(log).st_size
            try:
                _write_all(log, data)
            except OSError:
                # One writer per log at a time, so what lies behind this size is ours.
                os.ftruncate(log, size_before)
                raise
            return os.fstat(log).st_size

    def write_line(self, job_id: int, attempt: int, stream: str, text: str) -> int:
        """Append ``text`` as records of now; see the protocol."""
        moment = _format_nanoseconds(time.time_ns())
        lines = text.removesuffix("\n").split("\n")
        records = [
            format_record(Record(moment, stream, partial, content))
            for line in lines
            for partial, content in _cut(line.encode(errors="backslashreplace"))
        ]
        return self.append(job_id, attempt, b"".join(records))

    def size_bytes(self, job_id: int, attempt: int) -> int:
        """Size of the log; 0 if there is none."""
        try:
            return self._path(job_id, attempt).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, job_id: int, attempt: int, *, offset: int, limit_bytes: int) -> bytes:
        """Bytes from ``offset``; see the protocol."""
        try:
            with self._open(job_id, attempt, os.O_RDONLY) as log:
                return os.pread(log, limit_bytes, offset)
        except FileNotFoundError:
            return b""

    def truncate(self, job_id: int, attempt: int, size_bytes: int) -> None:
        """Cut the log to ``size_bytes``; see the protocol."""
        try:
            with self._open(job_id, attempt, os.O_WRONLY) as log:
                if os.fstat(log).st_size > size_bytes:
                    os.ftruncate(log, size_bytes)
        except FileNotFoundError:
            return

    def sync(self, job_id: int, attempt: int) -> None:
        """Flush the log and its place in the folder to disk."""
        path = self._path(job_id, attempt)
        try:
            for place, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
                with _storage_full(), _opened(place, flags) as descriptor:
                    os.fsync(descriptor)
        except FileNotFoundError:
            return

    def remove(self, job_id: int) -> None:
        """Remove the logs of all attempts of the job."""
        for path in self._folder(job_id).glob(f"{job_id}-*.log"):
            path.unlink(missing_ok=True)

    def _folder(self, job_id: int) -> Path:
        return self._root / str(job_id // _JOBS_PER_FOLDER)

    def _path(self, job_id: int, attempt: int) -> Path:
        return self._folder(job_id) / f"{job_id}-{attempt}.log"

    @contextmanager
    def _open(self, job_id: int, attempt: int, flags: int) -> Iterator[int]:
        path = self._path(job_id, attempt)
        if flags & os.O_CREAT:
            flags |= os.O_APPEND
            if not path.parent.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(path, flags) as descriptor:
            yield descriptor


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _storage_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("The server's disk is full: a log could not be written.") from error
        raise


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _cut(line: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield (partial, content) so that no content is longer than a record may be."""
    start = 0
    while len(line) - start > _MAX_RECORD_BYTES:
        yield True, line[start : start + _MAX_RECORD_BYTES]
        start += _MAX_RECORD_BYTES
    yield False, line[start:]


def _format_nanoseconds(moment: int) -> str:
    seconds, nanoseconds = divmod(moment, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds:09d}Z"
