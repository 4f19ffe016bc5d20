"""Log hook of a job: copies the raw log into the log store, within the space on the disk."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from au2.dispatcher.disk_space import DiskSpace
from au2.dispatcher.faults import WriteRetry
from au2.dispatcher.log_capture import DISK_WAS_FULL, LogCapture
from au2.domain.errors import EngineFailure, NotFound, StorageFull
from au2.engines.protocol import Engine, Observation
from au2.execution.outcome import LIMIT_REACHED, list_final_remarks
from au2.execution.supervise import LogHook
from au2.execution.termination import Detached, JobControl
from au2.stores.logs.protocol import LogStore
from au2.stores.logs.record import PLATFORM

_ADVANCE_SECONDS = 0.25
"""How long one copy of a running job's log may take: the run loop waits meanwhile."""
_SPACE_SECONDS = 20.0
"""How long the end of a log waits for space on the disk."""
_STEP_SECONDS = 0.2
_REMARK = f"{DISK_WAS_FULL}: what was printed here is missing."
_HEADER = f" {PLATFORM} F ".encode()
_GAP = re.compile(rf"(?m)^[^ \n]+ {PLATFORM} F (?:{DISK_WAS_FULL}|{LIMIT_REACHED})".encode())
_CHUNK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class JobLog(LogHook):
    """A :class:`~au2.execution.supervise.LogHook` for one attempt.

    Args:
        engine: of the container.
        container_id: of the attempt.
        capture: writes the stored log.
        disk_space: decides whether the raw log may grow.
        write_retry: for writes with a retry.
        control: ends waiting when the job is left running.
        memory_bytes: the container's limit, for remarks.
        log_limit_bytes: the container's limit, for remarks.
    """

    engine: Engine
    container_id: str
    capture: LogCapture
    disk_space: DiskSpace
    write_retry: WriteRetry
    control: JobControl
    memory_bytes: int
    log_limit_bytes: int

    @property
    def has_more(self) -> bool:
        return self.capture.has_more

    def advance(self, seen: Observation) -> None:
        self._restrict_or_allow(seen)
        self.capture.advance(seen.log_bytes, within_seconds=_ADVANCE_SECONDS)

    def complete(self, seen: Observation) -> None:
        """Copy the log to its end and make it durable; after some time without space, a part.

        Raises:
            Detached: the job is left running.
            LeaseLost: another worker has taken the job over.
        """
        self._copy_rest(seen)
        for remark in list_final_remarks(
            seen, memory_bytes=self.memory_bytes, log_limit_bytes=self.log_limit_bytes
        ):
            self._persist(partial(self.capture.remark, remark))
        self._persist(self.capture.close)

    def _copy_rest(self, seen: Observation) -> None:
        deadline = time.monotonic() + _SPACE_SECONDS
        while not self._try_to_copy_rest(seen):
            self.write_retry.release_reserve()
            if self.control.detach.wait(_STEP_SECONDS):
                raise Detached
            if time.monotonic() >= deadline:
                self._persist(lambda: self.capture.give_up(seen.log_bytes))
                return

    def _try_to_copy_rest(self, seen: Observation) -> bool:
        raw_bytes = seen.log_bytes
        if seen.log_restricted:
            try:
                # The container has ended: what was dropped is missing for good.
                self.engine.allow_log(self.container_id, _REMARK)
            except StorageFull:
                return False
            except NotFound:
                pass  # The container is unknown, so nothing can be said of its log.
            raw_bytes = self.engine.observe(self.container_id).log_bytes
        return self.capture.advance(raw_bytes) and self.capture.end()

    def _restrict_or_allow(self, seen: Observation) -> None:
        """Let the raw log grow, or not, by the space on the disk."""
        try:
            if seen.log_restricted:
                if self.disk_space.is_ample(seen.log_bytes):
                    self.engine.allow_log(self.container_id, _REMARK)
            elif self.disk_space.is_tight(seen.log_bytes):
                self.engine.restrict_log(self.container_id)
        except (StorageFull, EngineFailure, NotFound):
            return  # Tried again after the next observation.

    def _persist(self, write: Callable[[], object]) -> None:
        name = f"the log of container {self.container_id}"
        self.write_retry.run(write, self.control, name=name)


def count_gaps(logs: LogStore, job_id: int, attempt: int) -> int:
    """Return the number of remarks in a stored log about missing output.

    The stored log is read, because another dispatcher may have written its beginning. Output of
    the code can't pass for a remark: its records have other streams.
    """
    count, offset, rest = 0, 0, b""
    while chunk := logs.read(job_id, attempt, offset=offset, limit_bytes=_CHUNK_BYTES):
        offset += len(chunk)
        data = rest + chunk
        whole = data.rfind(b"\n") + 1
        if _HEADER in data:
            count += len(_GAP.findall(data[:whole]))
        rest = data[whole:]
    return count
