"""Protocols of a log store.

A log belongs to one attempt of a job. Records (:mod:`au2.stores.logs.record`) are only appended, so
an offset stays valid. One suite in ``tests/ports`` runs on every implementation.
"""

from collections.abc import Iterator
from typing import Protocol

PREALLOCATED_BYTES = 128 << 10
"""Disk space preallocated for a new log; most logs are smaller."""


class LogWriter(Protocol):
    """Writer of one log, valid until a later writer begins.

    Every change raises LeaseLost once a later writer has begun or the log was closed.
    """

    def size_bytes(self) -> int:
        """Size of the log."""
        ...

    def append(self, data: bytes, *, at: int) -> int:
        """Append whole records at the offset ``at``, the log's end; return the new size.

        The log has all of ``data`` afterwards, or none.

        Raises:
            LeaseLost: the log does not end at ``at``, so another writer has appended.
            StorageFull: the disk is full, or the log may not take more of its space.

        """
        ...

    def write_line(self, stream: str, text: str) -> int:
        """Append ``text`` as records with the present time, one per line; return the new size.

        Raises:
            StorageFull: the disk is full.

        """
        ...

    def truncate(self, size_bytes: int) -> None:
        """Truncate the log to ``size_bytes``; a shorter one is unchanged.

        Repairs the log of a writer killed between appending and recording its offset.
        """
        ...

    def sync(self) -> None:
        """Make the log durable, before the source of its bytes is removed.

        Raises:
            StorageFull: the disk is full.

        """
        ...

    def close(self) -> None:
        """End the log and release its unused preallocated space. Idempotent."""
        ...


class LogStore(Protocol):
    """Logs by job and attempt. Safe for several threads and processes."""

    def writer(self, job_id: int, attempt: int, fencing_token: int) -> LogWriter:
        """Become the writer of a log; a missing log is created.

        Args:
            job_id: id of the job.
            attempt: number of the attempt.
            fencing_token: of the claim. Writers with a smaller one are refused from now on.

        Raises:
            LeaseLost: a writer with a larger token has begun before.
            StorageFull: no space for a new log.

        """
        ...

    def size_bytes(self, job_id: int, attempt: int) -> int:
        """Size of the log; 0 without a log."""
        ...

    def read(self, job_id: int, attempt: int, *, offset: int, limit_bytes: int) -> bytes:
        """Return at most ``limit_bytes`` from ``offset``, also a part of a record.

        Empty at the end of the log, or without one.
        """
        ...

    def list_jobs(self) -> Iterator[int]:
        """Yield the ids of the jobs that have logs, in any order."""
        ...

    def job_bytes(self, job_id: int) -> int:
        """Size of the logs of all attempts of a job."""
        ...

    def remove(self, job_id: int) -> None:
        """Remove the logs of all attempts of a job. Idempotent."""
        ...
