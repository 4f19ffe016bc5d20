"""The log of an upload's job: lines of the platform's own, and a remark where some are missing."""

from au2.domain.errors import StorageFull
from au2.domain.job import Claim
from au2.stores.logs.base import LogStore, LogWriter
from au2.stores.logs.record import PLATFORM, STDOUT
from au2.stores.notices.base import Notices, log_topic

_MISSING = "The server's disk was full: lines are missing here."


class UploadLog:
    """Writes lines as long as there is room; what it tells of is never held up by a full disk."""

    def __init__(self, logs: LogStore, notices: Notices, claim: Claim) -> None:
        self._logs = logs
        self._notices = notices
        self._claim = claim
        self._writer: LogWriter | None = None
        self._is_lacking = False

    def write(self, text: str) -> None:
        """Add lines. Raises LeaseLost once somebody else works on the upload."""
        claim = self._claim
        try:
            if self._writer is None:
                self._writer = self._logs.writer(claim.job.id, claim.attempt.number, claim.token)
            if self._is_lacking:
                self._writer.write_line(PLATFORM, _MISSING)
                self._is_lacking = False
            self._writer.write_line(STDOUT, text)
        except StorageFull:
            self._is_lacking = True
        self._notices.send(log_topic(claim.job.id))

    def close(self) -> None:
        """Nothing more is written."""
        if self._writer is not None:
            self._writer.close()
