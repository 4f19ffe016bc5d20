"""Copies a container's raw log into the log store, record by record, and misses nothing."""

from au2.engines.base import Engine
from au2.logs.base import LogStore
from au2.notices.base import Notices, log_topic

_CHUNK_BYTES = 4 << 20


class LogCapture:
    """The log of one attempt. What is stored is always a prefix of the raw log, byte for byte.

    So the stored size is all that has to be known to go on after a restart.
    """

    def __init__(
        self, engine: Engine, logs: LogStore, notices: Notices, job_id: int, attempt: int
    ) -> None:
        self._engine = engine
        self._logs = logs
        self._notices = notices
        self._job_id = job_id
        self._attempt = attempt
        self._stored_bytes = logs.size_bytes(job_id, attempt)

    def resume(self, raw_bytes: int) -> None:
        """After a restart: take back remarks that were written behind the end of the raw log."""
        if self._stored_bytes > raw_bytes:
            self._logs.truncate(self._job_id, self._attempt, raw_bytes)
            self._stored_bytes = raw_bytes

    def advance(self, container_id: str, raw_bytes: int) -> None:
        """Copy whole records up to ``raw_bytes``."""
        while self._stored_bytes < raw_bytes:
            chunk = self._engine.read_log(
                container_id, offset=self._stored_bytes, limit_bytes=_CHUNK_BYTES
            )
            # A record may still be being written; its rest comes with the next look.
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole:
                return
            self._stored_bytes = self._logs.append(self._job_id, self._attempt, whole)
            self._notices.send(log_topic(self._job_id))

    def remark(self, text: str) -> None:
        """Add a line of the platform's own, behind the end of the raw log."""
        self._logs.write_line(self._job_id, self._attempt, "platform", text)
        self._notices.send(log_topic(self._job_id))

    def close(self) -> None:
        """Make the log durable, before the raw one is removed."""
        self._logs.sync(self._job_id, self._attempt)

    @property
    def stored_bytes(self) -> int:
        """Size of the stored log."""
        return self._stored_bytes
