"""Copy of a container's raw log into the log store, record by record."""

import logging
import time

from au2.domain.errors import EngineFailure, NotFound, StorageFull
from au2.domain.jobs.job import Claim
from au2.engines.protocol import Engine
from au2.engines.rate_limiter import CpuShare
from au2.secrets.masking import LineMasker, Masker
from au2.stores.logs.protocol import LogStore
from au2.stores.logs.record import PLATFORM, STDERR, STDOUT
from au2.stores.notices import Notices, log_topic

logger = logging.getLogger(__name__)

DISK_WAS_FULL = "The server's disk was full"
"""Begin of the platform's remarks where output is missing for lack of disk space."""

_CHUNK_BYTES = 4 << 20
_MASKED_CHUNK_BYTES = 256 << 10
"""Much more than a record. Masking takes time in proportion to the number of values."""
_PIECES_BYTES = (64 << 10, 4 << 10)
"""Tried in turn when the disk has no space for all bytes at once."""
_TAIL_BYTES = 128 << 10
_MISSING = f"{DISK_WAS_FULL}, so the rest of what was printed is missing"
_PARTIAL_RECORDS = tuple(f" {stream} P ".encode() for stream in (STDOUT, STDERR))


class LogCapture:
    """The stored log of one attempt. Without secrets, a prefix of the raw log, byte for byte.

    So the stored size alone says where to go on after a restart. With secrets, the raw log is then
    masked again from its beginning, which gives the same bytes, and stored bytes are skipped.
    """

    def __init__(
        self,
        engine: Engine,
        logs: LogStore,
        notices: Notices,
        *,
        claim: Claim,
        container_id: str,
        cpu_share: CpuShare,
    ) -> None:
        """Open the stored log for writing. Raises LeaseLost, and StorageFull for a new log."""
        self._cpu_share = cpu_share
        self._engine = engine
        self._logs = logs
        self._notices = notices
        self._job_id = claim.job.id
        self._attempt = claim.attempt.number
        self._container_id = container_id
        self._log = logs.writer(claim.job.id, claim.attempt.number, claim.fencing_token)
        self.stored_bytes = self._log.size_bytes()
        """Size of the stored log."""
        self._dropped_bytes = 0
        self._drop_failed = False
        self._masker: LogMasker | None = None
        self._read_bytes = self.stored_bytes
        """Bytes of the raw log that were read."""
        self._made_bytes = self.stored_bytes
        """Bytes that were made of them: those behind the stored size are to be stored."""
        self._waiting = b""
        """Made bytes that are not stored yet, for lack of disk space."""
        self._may_cut = False
        self.has_more = False
        """Whether the last :meth:`advance` stopped half-way, because its time was up."""

    def mask(self, masker: Masker) -> None:
        """Mask the log from its beginning on. Called before the first :meth:`advance`."""
        if masker:
            self._masker = LogMasker(masker)
            self._read_bytes = self._made_bytes = 0

    def resume(self, raw_bytes: int) -> None:
        """Go on after a restart: :meth:`end` removes remarks behind the raw log."""
        self._may_cut = True
        self._take_back_end()
        if self._masker is None and self.stored_bytes > raw_bytes:
            self._read_bytes = self._made_bytes = raw_bytes

    def advance(self, raw_bytes: int, *, within_seconds: float | None = None) -> bool:
        """Copy whole records up to ``raw_bytes``; return whether the disk had space for all.

        Args:
            raw_bytes: observed size of the raw log.
            within_seconds: about when to stop half-way; the next call goes on.

        Raises:
            LeaseLost: another worker writes the log.
        """
        self._cpu_share.step()
        self.has_more = False
        until = None if within_seconds is None else time.monotonic() + within_seconds
        limit_bytes = _CHUNK_BYTES if self._masker is None else _MASKED_CHUNK_BYTES
        while self._store_waiting() and self._read_bytes < raw_bytes:
            chunk = self._engine.read_log(
                self._container_id, offset=self._read_bytes, limit_bytes=limit_bytes
            )
            # The last record may still be incomplete; the next call copies it.
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole:
                return True
            self._read_bytes += len(whole)
            self._take(whole if self._masker is None else self._masker.feed(whole))
            self._cpu_share.step()
            if until is not None and time.monotonic() >= until:
                self.has_more = self._read_bytes < raw_bytes
                break
        return self._store_waiting()

    def end(self) -> bool:
        """Copy the bytes held back by masking; return whether the disk had space for all."""
        if self._masker is not None:
            self._take(self._masker.end())
        if not self._store_waiting():
            return False
        if self._may_cut and self.stored_bytes > self._made_bytes:
            self._log.truncate(self._made_bytes)
            self.stored_bytes = self._made_bytes
        return True

    def remark(self, text: str) -> None:
        """Append a line of the platform."""
        try:
            self._log.write_line(PLATFORM, text)
        except StorageFull:
            # The last output is removed for it: a gap must be visible.
            self._log.truncate(self._start_of_last(_PIECES_BYTES[1]))
            self._log.write_line(PLATFORM, text)
        self._notices.send(log_topic(self._job_id))

    def give_up(self, raw_bytes: int) -> None:
        """Store no more, and append a remark on how much is missing."""
        missing = len(self._waiting) + max(0, raw_bytes - self._read_bytes)
        self._waiting = b""
        self.remark(f"{_MISSING} ({missing} bytes of it).")

    def close(self) -> None:
        """Make the log durable, before the raw one is removed. Raises StorageFull."""
        self._log.sync()
        self._log.close()

    def _take(self, made: bytes) -> None:
        known_bytes = self.stored_bytes + len(self._waiting)
        self._waiting += made[max(0, known_bytes - self._made_bytes) :]
        self._made_bytes += len(made)

    def _store_waiting(self) -> bool:
        """Store the waiting bytes; False if the disk has no space for all."""
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
            self.stored_bytes = self._log.append(whole, at=self.stored_bytes)
        except StorageFull:
            return False
        self._waiting = self._waiting[len(whole) :]
        self._notices.send(log_topic(self._job_id))
        return True

    def _drop_copied(self) -> None:
        """Free the disk space of stored raw bytes. With secrets, all are needed.

        A failure is tried again when the disk is full the next time.
        """
        if self._masker is not None or self.stored_bytes == self._dropped_bytes:
            return
        try:
            self._log.sync()
        except StorageFull:
            return
        try:
            dropped = self._engine.drop_log(self._container_id, self.stored_bytes)
        except (EngineFailure, NotFound) as error:
            if not self._drop_failed:
                text = "The disk space of job %s's raw log can't be freed yet: %s"
                logger.warning(text, self._job_id, error.message)
            self._drop_failed = True
            return
        if dropped:
            self._dropped_bytes = self.stored_bytes

    def _take_back_end(self) -> None:
        """Remove the remark of :meth:`give_up`, because more output follows."""
        start = self._start_of_last(1)
        last = self._logs.read(
            self._job_id, self._attempt, offset=start, limit_bytes=self.stored_bytes - start
        )
        if f" {PLATFORM} F {_MISSING}".encode() in last:
            self._log.truncate(start)
            self.stored_bytes = start
            if self._masker is None:
                self._read_bytes = self._made_bytes = start

    def _start_of_last(self, size_bytes: int) -> int:
        """Return the offset of the records with at least the last ``size_bytes`` bytes."""
        end = self._log.size_bytes()
        begin = max(0, end - _TAIL_BYTES)
        tail = self._logs.read(self._job_id, self._attempt, offset=begin, limit_bytes=end - begin)
        return begin + tail.rfind(b"\n", 0, max(0, len(tail) - size_bytes)) + 1


class LogMasker:
    """Converter from raw records to records with secrets masked.

    The result depends on the records of the raw log alone, not on the chunks of reading: after
    a restart the same bytes come out, and copying goes on at the end of the stored log.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._lines = {stream.encode(): LineMasker(masker) for stream in (STDOUT, STDERR)}
        self._last_times = dict.fromkeys(self._lines, b"")

    def feed(self, records: bytes) -> bytes:
        """Return masked whole records; the begin of a possible secret is held back."""
        if self._is_harmless(records):
            return records
        return b"".join(self._mask(line) for line in records.split(b"\n")[:-1])

    def end(self) -> bytes:
        """Return the bytes held back, at the end of the log."""
        shown = b""
        for stream, lines in self._lines.items():
            content = lines.feed(b"", is_end=True)
            if content:
                shown += _format(self._last_times[stream], stream, b"P", content)
        return shown

    def _is_harmless(self, records: bytes) -> bool:
        """Whether all lines are whole and hold no secret: a quick check for most logs."""
        return (
            all(lines.is_idle for lines in self._lines.values())
            and not any(mark in records for mark in _PARTIAL_RECORDS)
            and not self._masker.is_in(records)
        )

    def _mask(self, line: bytes) -> bytes:
        time, stream, tag, content = (*line.split(b" ", 3), b"", b"", b"")[:4]
        lines = self._lines.get(stream)
        if lines is None or tag not in (b"P", b"F"):
            # No record: only masked.
            return self._masker.mask(line) + b"\n"
        self._last_times[stream] = time
        shown = lines.feed(content, is_end=tag == b"F")
        return _format(time, stream, tag, shown) if shown or tag == b"F" else b""


def _format(time: bytes, stream: bytes, tag: bytes, content: bytes) -> bytes:
    return b" ".join((time, stream, tag, content)) + b"\n"
