"""The context in which a version's image is built: one attempt of an upload job, with its log."""

from collections.abc import Callable
from dataclasses import dataclass

from au2.dispatcher.job_records import JobRecords, Timeline
from au2.domain.errors import StorageFull
from au2.domain.job import Claim
from au2.execution.termination import JobControl
from au2.stores.logs.base import LogStore, LogWriter
from au2.stores.logs.record import PLATFORM, STDOUT
from au2.stores.notices.base import Notices, log_topic

_MISSING = "The server's disk was full: lines are missing here."


@dataclass(frozen=True, slots=True)
class BuildContext:
    """One attempt of an upload job."""

    claim: Claim
    control: JobControl
    timeline: Timeline
    log: Callable[[str], None]
    records: JobRecords

    def begin_phase(self, name: str) -> None:
        """Begin a phase of the attempt and record it."""
        self.timeline.begin(name)
        self.records.phases(self.claim, self.timeline)

    def check(self) -> None:
        """Raise Stopped or Detached if the attempt should end."""
        self.control.check()


class UploadLog:
    """The log of an upload job. A full disk loses lines and never holds the job up."""

    def __init__(self, logs: LogStore, notices: Notices, claim: Claim) -> None:
        self._logs = logs
        self._notices = notices
        self._claim = claim
        self._writer: LogWriter | None = None
        self._has_gap = False

    def write(self, text: str) -> None:
        """Add lines. Raises LeaseLost once another worker has taken the job over."""
        claim = self._claim
        try:
            if self._writer is None:
                self._writer = self._logs.writer(claim.job.id, claim.attempt.number, claim.token)
            if self._has_gap:
                self._writer.write_line(PLATFORM, _MISSING)
                self._has_gap = False
            self._writer.write_line(STDOUT, text)
        except StorageFull:
            self._has_gap = True
        self._notices.send(log_topic(claim.job.id))

    def close(self) -> None:
        """Close the log for writing."""
        if self._writer is not None:
            self._writer.close()
