"""Leases of uploads: renewal, and heartbeats of the senders of images.

A sender of an image sends a heartbeat every few seconds, also between blobs. A second command with
the same account and version waits until some heartbeats are missing or the first command has left.
So two commands never take an upload from each other, and after a crash the next command waits some
seconds, not the whole lease.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from au2.domain.errors import StillSending
from au2.domain.processes.upload import ImageUpload, Upload

_HEARTBEAT_SECONDS: Final = 2.0
_MISSED_HEARTBEATS: Final = 3

_Upload = TypeVar("_Upload", bound=Upload)


@dataclass(slots=True)
class Renewal(Generic[_Upload]):
    """Renewal of an upload's lease during a request, each time a part of the lease has passed."""

    renew: Callable[[_Upload], _Upload]
    upload: _Upload
    clock: Callable[[], datetime]
    lease_seconds: float
    every_seconds: float

    def __call__(self) -> None:
        """Renew the lease if a renewal is due. Raises LeaseLost."""
        left = self.upload.lease_until - self.clock()
        if left < timedelta(seconds=self.lease_seconds - self.every_seconds):
            self.upload = self.renew(self.upload)


class SenderHeartbeats:
    """Heartbeats of senders, as one server process knows them."""

    def __init__(self, lease_seconds: float, *, started_at: datetime) -> None:
        """``started_at``: start of this process, before which heartbeats may have been lost."""
        self._lease = timedelta(seconds=lease_seconds)
        self._started_at = started_at
        self.heartbeat_seconds = min(_HEARTBEAT_SECONDS, lease_seconds / 4)
        """Time between two heartbeats."""
        self._silence = timedelta(seconds=self.heartbeat_seconds * _MISSED_HEARTBEATS)
        self._gone: set[str] = set()
        """Uploads whose senders have left; forgotten by a restart, which costs seconds."""

    def note_gone(self, upload: ImageUpload, now: datetime) -> datetime:
        """Note that the sender has left; return the end of a lease without heartbeats."""
        self._gone.add(upload.id)
        return now + self._lease - self._silence

    def ensure_silent(self, upload: ImageUpload, now: datetime) -> None:
        """Raise StillSending if the upload's sender is alive; else forget the sender."""
        last = upload.lease_until - self._lease
        if upload.id not in self._gone:
            last = max(last, self._started_at)
        if now - last < self._silence:
            seconds = max(0.0, (now - last).total_seconds())
            raise StillSending(
                f"Another command is sending to version {upload.version_number} "
                f"(last heartbeat {seconds:.0f} s ago).",
                hint="Wait until it ends, or create another version: "
                "au2 process version create PROCESS",
            )
        self._gone.discard(upload.id)
