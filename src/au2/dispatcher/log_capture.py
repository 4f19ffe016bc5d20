"""Copies a container's raw log into the log store, record by record, and misses nothing."""

import logging
import time

from au2.dispatcher.log_gaps import DISK_WAS_FULL
from au2.dispatcher.log_masking import LogMasker
from au2.domain.errors import EngineFailure, NotFound, StorageFull
from au2.domain.job import Claim
from au2.engines.base import Engine
from au2.engines.rate_limiter import CpuShare
from au2.secrets.masking import Masker
from au2.stores.logs.base import LogStore
from au2.stores.logs.record import PLATFORM
from au2.stores.notices.base import Notices, log_topic

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 4 << 20
_MASKED_CHUNK_BYTES = 256 << 10
"""Much more than a record. Masking takes time, by the number of values."""
_PIECES_BYTES = (64 << 10, 4 << 10)
"""Tried one after the other when there is no room for all at once."""
_TAIL_BYTES = 128 << 10
_MISSING = f"{DISK_WAS_FULL}, so the rest of what was printed is missing"


class LogCapture:
    """The log of one attempt. Without secrets it is always a prefix of the raw log, byte for byte.

    So the stored size is all that has to be known to go on after a restart. With secrets, the raw
    log is masked anew from its beginning then, which gives the same bytes, and what is stored
    already is passed over.
    """

    def __init__(
        self,
        engine: Engine,
        logs: LogStore,
        notices: Notices,
        *,
        claim: Claim,
        container_id: str,
        pace: CpuShare,
    ) -> None:
        """Become the log's writer. Raises LeaseLost, and StorageFull for a new log."""
        self._pace = pace
        self._engine = engine
        self._logs = logs
        self._notices = notices
        self._job_id = claim.job.id
        self._attempt = claim.attempt.number
        self._container_id = container_id
        self._log = logs.writer(claim.job.id, claim.attempt.number, claim.token)
        self._stored_bytes = self._log.size_bytes()
        self._dropped_bytes = 0
        self._drop_failed = False
        self._masker: LogMasker | None = None
        self._read_bytes = self._stored_bytes
        """How much of the raw log was read."""
        self._made_bytes = self._stored_bytes
        """How much came of it: what lies behind the stored size is to be stored."""
        self._waiting = b""
        """What came of it and is not stored yet, for lack of room."""
        self._may_cut = False
        self.has_more = False
        """Whether the last :meth:`advance` stopped half-way, for it took long."""

    def mask(self, masker: Masker) -> None:
        """From the raw log's beginning on, cover what ``masker`` looks for. To be called first."""
        if masker:
            self._masker = LogMasker(masker)
            self._read_bytes = self._made_bytes = 0

    def resume(self, raw_bytes: int) -> None:
        """After a restart: :meth:`end` takes back remarks that were written behind the raw log."""
        self._may_cut = True
        self._take_back_end()
        if self._masker is None and self._stored_bytes > raw_bytes:
            self._read_bytes = self._made_bytes = raw_bytes

    def advance(self, raw_bytes: int, *, within_seconds: float | None = None) -> bool:
        """Copy whole records up to ``raw_bytes``; whether that could be done.

        Args:
            raw_bytes: as far as the raw log was seen to go.
            within_seconds: about when to stop half-way; the rest comes with the next look.

        Raises:
            LeaseLost: somebody else writes the log by now.
        """
        self._pace.step()
        self.has_more = False
        until = None if within_seconds is None else time.monotonic() + within_seconds
        limit_bytes = _CHUNK_BYTES if self._masker is None else _MASKED_CHUNK_BYTES
        while self._store_waiting() and self._read_bytes < raw_bytes:
            chunk = self._engine.read_log(
                self._container_id, offset=self._read_bytes, limit_bytes=limit_bytes
            )
            # A record may still be being written; its rest comes with the next look.
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole:
                return True
            self._read_bytes += len(whole)
            self._take(whole if self._masker is None else self._masker.feed(whole))
            self._pace.step()
            if until is not None and time.monotonic() >= until:
                self.has_more = self._read_bytes < raw_bytes
                break
        return self._store_waiting()

    def end(self) -> bool:
        """Copy what was kept back, for nothing comes any more; whether that could be done."""
        if self._masker is not None:
            self._take(self._masker.end())
        if not self._store_waiting():
            return False
        if self._may_cut and self._stored_bytes > self._made_bytes:
            self._log.truncate(self._made_bytes)
            self._stored_bytes = self._made_bytes
        return True

    def remark(self, text: str) -> None:
        """Add a line of the platform's own, behind the end of the raw log."""
        try:
            self._log.write_line(PLATFORM, text)
        except StorageFull:
            # What was printed last is given up for it: that something is missing must be said.
            self._log.truncate(self._start_of_last(_PIECES_BYTES[1]))
            self._log.write_line(PLATFORM, text)
        self._notices.send(log_topic(self._job_id))

    def give_up(self, raw_bytes: int) -> None:
        """Store no more, and say in the log how much is missing."""
        missing = len(self._waiting) + max(0, raw_bytes - self._read_bytes)
        self._waiting = b""
        self.remark(f"{_MISSING} ({missing} bytes of it).")

    def close(self) -> None:
        """Make the log durable, before the raw one is removed. Raises StorageFull."""
        self._log.sync()
        self._log.close()

    @property
    def stored_bytes(self) -> int:
        """Size of the stored log."""
        return self._stored_bytes

    def _take(self, made: bytes) -> None:
        known_bytes = self._stored_bytes + len(self._waiting)
        self._waiting += made[max(0, known_bytes - self._made_bytes) :]
        self._made_bytes += len(made)

    def _store_waiting(self) -> bool:
        """Store what waits; False if there was no room for all of it."""
        if not self._waiting:
            return True
        for piece_bytes in (len(self._waiting), *_PIECES_BYTES):
            while self._waiting and self._store_piece(piece_bytes):
                pass
        if self._waiting:
            self._drop_copied()
        return not self._waiting

    def _store_piece(self, piece_bytes: int) -> bool:
        piece = self._waiting[:piece_bytes]
        whole = piece[: piece.rfind(b"\n") + 1]
        if not whole:
            return False
        try:
            self._stored_bytes = self._log.append(whole, at=self._stored_bytes)
        except StorageFull:
            return False
        self._waiting = self._waiting[len(whole) :]
        self._notices.send(log_topic(self._job_id))
        return True

    def _drop_copied(self) -> None:
        """Give back the disk of what is in both logs. With secrets, the raw log is needed whole.

        Where that fails, it is tried again the next time that there is no room.
        """
        if self._masker is not None or self._stored_bytes == self._dropped_bytes:
            return
        try:
            self._log.sync()
        except StorageFull:
            return
        try:
            dropped = self._engine.drop_log(self._container_id, self._stored_bytes)
        except (EngineFailure, NotFound) as error:
            if not self._drop_failed:
                what = "The disk of job %s's raw log can't be given back yet: %s"
                logger.warning(what, self._job_id, error.message)
            self._drop_failed = True
            return
        if dropped:
            self._dropped_bytes = self._stored_bytes

    def _take_back_end(self) -> None:
        """Remove the remark of :meth:`give_up`: it stands before the end of what was printed."""
        start = self._start_of_last(1)
        last = self._logs.read(
            self._job_id, self._attempt, offset=start, limit_bytes=self._stored_bytes - start
        )
        if f" {PLATFORM} F {_MISSING}".encode() in last:
            self._log.truncate(start)
            self._stored_bytes = start
            if self._masker is None:
                self._read_bytes = self._made_bytes = start

    def _start_of_last(self, size_bytes: int) -> int:
        """Where the records begin that make up at least the last so many stored bytes."""
        end = self._log.size_bytes()
        begin = max(0, end - _TAIL_BYTES)
        tail = self._logs.read(self._job_id, self._attempt, offset=begin, limit_bytes=end - begin)
        return begin + tail.rfind(b"\n", 0, max(0, len(tail) - size_bytes)) + 1
