"""The protocols of a log store.

A log belongs to one attempt of a job and is a string of records
(:mod:`au2.stores.logs.record`) that only grows, so an
offset into it, once handed out, stays good. One suite in ``tests/ports`` runs on every
implementation.
"""

from typing import Protocol

PREALLOCATED_BYTES = 128 << 10
"""Room on the disk that is kept for a log from its beginning on: most logs are smaller."""


class LogWriter(Protocol):
    """The one writer of one log, for as long as no later one begins.

    Every change raises LeaseLost once there is a later writer, or the log was closed.
    """

    def size_bytes(self) -> int:
        """Size of the log."""
        ...

    def append(self, data: bytes, *, at: int) -> int:
        """Append whole records where the log ends, at the offset ``at``; return the new size.

        All of ``data`` is in the log afterwards, or nothing of it.

        Raises:
            LeaseLost: the log does not end at ``at``: somebody else has written to it.
            StorageFull: no room, or none that a log of this size may take.

        """
        ...

    def write_line(self, stream: str, text: str) -> int:
        """Append ``text`` as records with the present time, one per line; return the new size.

        Raises:
            StorageFull: no room.

        """
        ...

    def truncate(self, size_bytes: int) -> None:
        """Cut the log to ``size_bytes``; a shorter one stays as it is.

        For a writer that was killed between appending and noting down how far it had come.
        """
        ...

    def sync(self) -> None:
        """Make the log durable: to be called before the source of its bytes is removed.

        Raises:
            StorageFull: no room.

        """
        ...

    def close(self) -> None:
        """Write no more: the room that was kept for it and not used is given back. Idempotent."""
        ...


class LogStore(Protocol):
    """Logs by job and attempt. Safe to use from several threads and processes at once."""

    def writer(self, job_id: int, attempt: int, token: int) -> LogWriter:
        """Become the writer of a log, which is made if it is not there.

        Args:
            job_id: whose log.
            attempt: of which attempt.
            token: the fencing token of the claim under which it is written. From now on nobody may
                write with a smaller one.

        Raises:
            LeaseLost: somebody with a larger token has begun before.
            StorageFull: no room for a new log.

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

    def remove(self, job_id: int) -> None:
        """Remove the logs of all attempts of the job. Idempotent."""
        ...
