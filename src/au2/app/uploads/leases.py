"""Heartbeats of image uploads, kept in the upload's lease.

A sender gives a sign every few seconds, also while it has nothing to send. Who sends to the same
version with the same account waits until the other has been silent for some of those, or has said
that it ends. So two commands never take an upload from each other, and after a crash going on
takes some seconds, not the whole lease.
"""

from datetime import datetime, timedelta
from typing import Final

from au2.domain.errors import StillSending
from au2.domain.upload import ImageUpload

_HEARTBEAT_SECONDS: Final = 2.0
_SILENT_HEARTBEATS: Final = 3


class SenderHeartbeats:
    """Heartbeats of senders, as one server process knows them."""

    def __init__(self, lease_seconds: float, *, started_at: datetime) -> None:
        """``started_at``: of this process; before, the server may have been away, and deaf."""
        self._lease = timedelta(seconds=lease_seconds)
        self._started_at = started_at
        self.heartbeat_seconds = min(_HEARTBEAT_SECONDS, lease_seconds / 4)
        """How often a sender gives a sign of life."""
        self._silence = timedelta(seconds=self.heartbeat_seconds * _SILENT_HEARTBEATS)
        self._gone: set[str] = set()
        """Uploads whose senders said that they end; a restart forgets it, which costs seconds."""

    def lease_end(self, now: datetime) -> datetime:
        """Return until when an upload is kept after a sign of life."""
        return now + self._lease

    def note_gone(self, upload: ImageUpload, now: datetime) -> datetime:
        """Remember that the sender ended; return the end of a lease that tells so too."""
        self._gone.add(upload.id)
        return self.lease_end(now) - self._silence

    def ensure_silent(self, upload: ImageUpload, now: datetime) -> None:
        """Raise StillSending if the upload's sender lives; forget it otherwise."""
        last = upload.lease_until - self._lease
        if upload.id not in self._gone:
            last = max(last, self._started_at)
        if now - last < self._silence:
            seconds = max(0.0, (now - last).total_seconds())
            raise StillSending(
                f"Another command is sending to version {upload.version_number} "
                f"(sign of life {seconds:.0f} s ago).",
                hint="Wait until it ends, or make another version: "
                "au2 process version create PROCESS",
            )
        self._gone.discard(upload.id)
