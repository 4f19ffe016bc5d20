"""The protocol of a log store.

A log belongs to one attempt of a job and is a string of records (:mod:`au2.logs.record`) that only
grows, so an offset into it, once handed out, stays good. One suite in ``tests/ports`` runs on every
implementation.
"""

from typing import Protocol


class LogStore(Protocol):
    """Logs by job and attempt. Safe to use from several threads and processes at once."""

    def append(self, job_id: int, attempt: int, data: bytes) -> int:
        """Append whole records and return the new size; the log is made if it is not there.

        All of ``data`` is in the log afterwards, or nothing of it.

        Raises:
            StorageFull: no room.

        """
        ...

    def write_line(self, job_id: int, attempt: int, stream: str, text: str) -> int:
        """Append ``text`` as records with the present time, one per line; return the new size.

        Raises:
            StorageFull: no room.

        """
        ...

    def size_bytes(self, job_id: int, attempt: int) -> int:
        """Size of the log; 0 if there is none."""
        ...

    def read(self, job_id: int, attempt: int, *, offset: int, limit_bytes: int) -> bytes:
        """Bytes from ``offset``, at most ``limit_bytes``; empty at the end or if there is no log.

        May end inside a record.
        """
        ...

    def truncate(self, job_id: int, attempt: int, size_bytes: int) -> None:
        """Cut the log to ``size_bytes``; a shorter or missing one stays as it is.

        For a writer that was killed between appending and noting down how far it had come.
        """
        ...

    def sync(self, job_id: int, attempt: int) -> None:
        """Make the log durable: to be called before the source of its bytes is removed."""
        ...

    def remove(self, job_id: int) -> None:
        """Remove the logs of all attempts of the job. Idempotent."""
        ...
