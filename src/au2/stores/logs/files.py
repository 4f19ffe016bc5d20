"""Log store in files: one per attempt, ``<root>/<job // 1000>/<job>-<attempt>.log``.

An open log has a symbolic link beside it, ``….writer``, with the writer's fencing token as target.
A link takes no block, so a full disk has space for one, and a rename replaces it atomically.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from au2.domain.errors import LeaseLost, StorageFull
from au2.stores.durability import (
    opened,
    preallocate,
    sync_path,
    try_preallocate,
    write_whole,
)
from au2.stores.logs.protocol import PREALLOCATED_BYTES, LogWriter
from au2.stores.logs.record import Record, format_record, format_time_now

_JOBS_PER_FOLDER = 1000
_DIGITS = 18
_MAX_RECORD_BYTES = 8192
"""Most content bytes of a written record, so that readers may expect small ones."""
_REMARK_BYTES = 1024
"""Space for a remark of the platform at the end of a truncated log."""
_TIGHT_BYTES = 16 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileLogStore:
    """A :class:`~au2.stores.logs.protocol.LogStore` in a folder of the local file system."""

    def __init__(self, root: Path, bytes_to_leave: Callable[[int, int], int] | None = None) -> None:
        """Keep logs below ``root``.

        Args:
            root: folder of the logs.
            bytes_to_leave: free bytes that a log must leave, by its new size and the size of the
                file system in bytes. None: a log may fill the disk.
        """
        self._root = root
        self._bytes_to_leave = bytes_to_leave or _leave_nothing

    def writer(self, job_id: int, attempt: int, fencing_token: int) -> LogWriter:
        """Become the writer of a log; see the protocol."""
        writer = FileLogWriter(self._path(job_id, attempt), fencing_token, self._bytes_to_leave)
        writer.begin()
        return writer

    def size_bytes(self, job_id: int, attempt: int) -> int:
        """Size of the log; 0 without a log."""
        try:
            return self._path(job_id, attempt).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, job_id: int, attempt: int, *, offset: int, limit_bytes: int) -> bytes:
        """Return bytes from ``offset``; see the protocol."""
        try:
            with opened(self._path(job_id, attempt), os.O_RDONLY | os.O_NOFOLLOW) as log:
                return os.pread(log, limit_bytes, offset)
        except FileNotFoundError:
            return b""

    def list_jobs(self) -> Iterator[int]:
        """Yield the ids of the jobs that have logs; see the protocol."""
        for folder in self._root.glob("*"):
            # A job with several attempts has several files.
            names = (path.name.partition("-")[0] for path in folder.glob("*-*.log"))
            # A number of the database is no longer; other files are nobody's log.
            yield from {int(name) for name in names if name.isdecimal() and len(name) <= _DIGITS}

    def job_bytes(self, job_id: int) -> int:
        """Size of the logs of all attempts of the job."""
        total = 0
        for path in self._folder(job_id).glob(f"{job_id}-*.log"):
            with suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def remove(self, job_id: int) -> None:
        """Remove the logs of all attempts of the job."""
        for path in self._folder(job_id).glob(f"{job_id}-*"):
            path.unlink(missing_ok=True)

    def _folder(self, job_id: int) -> Path:
        return self._root / str(job_id // _JOBS_PER_FOLDER)

    def _path(self, job_id: int, attempt: int) -> Path:
        return self._folder(job_id) / f"{job_id}-{attempt}.log"


class FileLogWriter:
    """A :class:`~au2.stores.logs.protocol.LogWriter` of the file ``path``."""

    def __init__(
        self, path: Path, fencing_token: int, bytes_to_leave: Callable[[int, int], int]
    ) -> None:
        self._path = path
        self._bytes_to_leave = bytes_to_leave
        self._mark = path.with_suffix(".writer")
        self._fencing_token = fencing_token

    def begin(self) -> None:
        """Create the log and its writer mark. Raises LeaseLost, StorageFull."""
        with _storage_full():
            if not self._path.parent.exists():
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked(os.O_CREAT):
                found = self._read_mark()
                if found is not None and found > self._fencing_token:
                    raise _taken()
                if found != self._fencing_token:
                    self._write_mark()
        preallocate(self._path, PREALLOCATED_BYTES)

    def size_bytes(self) -> int:
        """Size of the log."""
        return self._path.stat().st_size

    def append(self, data: bytes, *, at: int) -> int:
        """Append whole records; see the protocol."""
        with self._owned() as log:
            if os.fstat(log).st_size != at:
                raise _taken()
            if not self._leaves_enough(log, len(data)):
                raise _full()
            # Checked first: nothing is written in part, and a remark still has space.
            if _is_tight(log, len(data)) and not try_preallocate(log, len(data) + _REMARK_BYTES):
                raise _full()
            return _append(log, data)

    def write_line(self, stream: str, text: str) -> int:
        """Append ``text`` as records; see the protocol."""
        moment = format_time_now()
        lines = text.removesuffix("\n").split("\n")
        records = [
            format_record(Record(moment, stream, partial, content))
            for line in lines
            for partial, content in _cut(line.encode(errors="backslashreplace"))
        ]
        with self._owned() as log:
            return _append(log, b"".join(records))

    def truncate(self, size_bytes: int) -> None:
        """Truncate the log to ``size_bytes``; see the protocol."""
        with self._owned() as log:
            if os.fstat(log).st_size > size_bytes:
                os.ftruncate(log, size_bytes)

    def sync(self) -> None:
        """Flush the log and its entry in the folder to disk."""
        with self._owned() as log:
            os.fsync(log)
            sync_path(self._path.parent)

    def close(self) -> None:
        """Release the unused space and refuse all further writes."""
        with suppress(LeaseLost), self._owned() as log:
            os.ftruncate(log, os.fstat(log).st_size)
            self._mark.unlink()

    def _leaves_enough(self, log: int, size_bytes: int) -> bool:
        """Whether growth by ``size_bytes`` leaves the reserved space free."""
        status = os.fstatvfs(log)
        new_bytes = os.fstat(log).st_size + size_bytes
        leave_bytes = self._bytes_to_leave(new_bytes, status.f_blocks * status.f_frsize)
        free_bytes = status.f_bavail * status.f_frsize
        return leave_bytes == 0 or free_bytes >= leave_bytes + size_bytes

    @contextmanager
    def _owned(self) -> Iterator[int]:
        """Open the log under a lock as its present writer. Raises LeaseLost, StorageFull."""
        try:
            with _storage_full(), self._locked(0) as log:
                if self._read_mark() != self._fencing_token:
                    raise _taken()
                yield log
        except FileNotFoundError as error:
            raise _taken() from error

    @contextmanager
    def _locked(self, flags: int) -> Iterator[int]:
        with opened(self._path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | flags) as log:
            # Held during one change, against writers in other processes.
            fcntl.flock(log, fcntl.LOCK_EX)
            yield log

    def _read_mark(self) -> int | None:
        try:
            return int(os.readlink(self._mark))  # noqa: PTH115 - a number, not a path
        except FileNotFoundError:
            return None

    def _write_mark(self) -> None:
        new = self._mark.with_suffix(".writer-new")
        new.unlink(missing_ok=True)
        new.symlink_to(str(self._fencing_token))
        new.rename(self._mark)


def _leave_nothing(_log_bytes: int, _total_bytes: int) -> int:
    return 0


def _append(log: int, data: bytes) -> int:
    """Append all of ``data`` or nothing; return the new size."""
    size_before = os.fstat(log).st_size
    try:
        write_whole(log, data)
    except OSError:
        # Truncation releases the preallocated space too, so it is taken again.
        os.ftruncate(log, size_before)
        try_preallocate(log, PREALLOCATED_BYTES)
        raise
    return size_before + len(data)


def _is_tight(log: int, size_bytes: int) -> bool:
    """Whether the disk may be too full for ``size_bytes``."""
    status = os.fstatvfs(log)
    return status.f_bfree * status.f_frsize < size_bytes + _TIGHT_BYTES


def _full() -> StorageFull:
    return StorageFull("The server's disk is full: a log could not be written.")


def _taken() -> LeaseLost:
    return LeaseLost("Another writer has taken this log over.")


@contextmanager
def _storage_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full() from error
        raise


def _cut(line: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield (partial, content), each content at most as long as a record's."""
    start = 0
    while len(line) - start > _MAX_RECORD_BYTES:
        yield True, line[start : start + _MAX_RECORD_BYTES]
        start += _MAX_RECORD_BYTES
    yield False, line[start:]
