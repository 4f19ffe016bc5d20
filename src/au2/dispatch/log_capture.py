"""Copies a container's raw log into the log store, record by record, and misses nothing."""

import time

from au2.dispatch.log_masking import LogMasker
from au2.engines.base import Engine
from au2.logs.base import LogStore
from au2.notices.base import Notices, log_topic
from au2.secrets.masking import Masker

_CHUNK_BYTES = 4 << 20
_MASKED_CHUNK_BYTES = 256 << 10
"""Much more than a record. Masking takes time, by the number of values."""


class LogCapture:
    """The log of one attempt. Without secrets it is always a prefix of the raw log, byte for byte.

    So the stored size is all that has to be known to go on after a restart. With secrets, the raw
    log is masked anew from its beginning then, which gives the same bytes, and what is stored
    already is passed over.
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
        self._masker: LogMasker | None = None
        self._read_bytes = self._stored_bytes
        """How much of the raw log was read."""
        self._made_bytes = self._stored_bytes
        """How much came of it: what lies behind the stored size is to be stored."""

    def mask(self, masker: Masker) -> None:
        """From the raw log's beginning on, cover what ``masker`` looks for. To be called first."""
        if masker:
            self._masker = LogMasker(masker)
            self._read_bytes = self._made_bytes = 0

    def resume(self, container_id: str, raw_bytes: int, *, has_ended: bool) -> None:
        """After a restart: take back remarks that were written behind the end of the raw log."""
        if self._masker is not None:
            self.advance(container_id, raw_bytes)
            if not has_ended:
                return  # then there are no remarks yet, and its last line may go on
            self.end()
        elif self._stored_bytes > raw_bytes:
            self._read_bytes = self._made_bytes = raw_bytes
        if self._stored_bytes > self._made_bytes:
            self._logs.truncate(self._job_id, self._attempt, self._made_bytes)
            self._stored_bytes = self._made_bytes

    def advance(
        self, container_id: str, raw_bytes: int, *, within_seconds: float | None = None
    ) -> None:
        """Copy whole records up to ``raw_bytes``.

        Args:
            container_id: whose log.
            raw_bytes: as far as it was seen to go.
            within_seconds: about when to stop half-way; the rest comes with the next look.
        """
        until = None if within_seconds is None else time.monotonic() + within_seconds
        limit_bytes = _CHUNK_BYTES if self._masker is None else _MASKED_CHUNK_BYTES
        while self._read_bytes < raw_bytes:
            chunk = self._engine.read_log(
                container_id, offset=self._read_bytes, limit_bytes=limit_bytes
            )
            # A record may still be being written; its rest comes with the next look.
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole:
                return
            self._read_bytes += len(whole)
            self._store(whole if self._masker is None else self._masker.feed(whole))
            if until is not None and time.monotonic() >= until:
                return

    def end(self) -> None:
        """Copy what was kept back: nothing comes any more."""
        if self._masker is not None:
            self._store(self._masker.end())

    def _store(self, made: bytes) -> None:
        new = made[max(0, self._stored_bytes - self._made_bytes) :]
        self._made_bytes += len(made)
        if new:
            self._stored_bytes = self._logs.append(self._job_id, self._attempt, new)
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
