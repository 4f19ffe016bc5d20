"""Progress of an image upload: blobs read, sent and skipped."""

from collections.abc import Callable

from au2.client.images.blob_uploader import UploadProgressSink
from au2.console.console import Console
from au2.console.progress import MovingRate, TransferProgress
from au2.domain.wording import count_of, format_bytes, format_seconds_roughly


class ImageProgress(TransferProgress, UploadProgressSink):
    """Counter of the blobs of one image: its layers and its configuration."""

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        super().__init__(console, "Sent", clock=clock)
        self.recent = MovingRate()  # From the first blob on, without the reading before.
        self._has_begun = False
        """Whether a blob was begun: rates count from then."""
        self._read_bytes = 0
        self._skipped_bytes = 0
        self._resumed_bytes = 0
        self._blobs = 0
        self._skipped = 0
        self._blob_bytes = 0
        self._blob_sent_bytes = 0
        self._expected_bytes = 0

    def expect(self, size_bytes: int) -> None:
        """Set the size of all blobs together."""
        self._expected_bytes = size_bytes

    def read(self, size_bytes: int) -> None:
        """Count bytes read ahead."""
        self._read_bytes += size_bytes
        self.draw(self._clock())

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        """Count a blob to send, of which the server has ``received_bytes`` already."""
        if not self._has_begun:
            self._has_begun = True
            self._begun_at = self._moved_at = self._clock()
            self.recent.note(self._begun_at, 0)
        self._blobs += 1
        self._resumed_bytes += received_bytes
        self._blob_bytes, self._blob_sent_bytes = blob_bytes, received_bytes

    def advance(self, size_bytes: int) -> None:
        """Count confirmed bytes of the blob."""
        self._blob_sent_bytes += size_bytes
        super().advance(size_bytes)

    def skip(self, blob_bytes: int) -> None:
        """Count a blob already on the server."""
        self._blobs += 1
        self._skipped += 1
        self._skipped_bytes += blob_bytes
        self.draw(self._clock())

    def finish(self, note: str = "") -> None:
        """Replace the line by the summary, if there was any blob."""
        if not self._blobs:
            self.clear()
            return
        resumed = f"{format_bytes(self._resumed_bytes)} had come before; "
        super().finish(
            f"{resumed if self._resumed_bytes else ''}the server had {self._skipped} of "
            f"{count_of(self._blobs, 'blob')} ({format_bytes(self._skipped_bytes)}){note}"
        )

    def describe(self, moment: float) -> str:
        """Return share and time left, the present blob, bytes sent, read and skipped."""
        rate = self.recent.per_second(moment)
        parts = [self._describe_share(rate)] if self._expected_bytes else []
        if self._blob_bytes:
            parts.append(
                f"Blob {self._blobs}: {format_bytes(self._blob_sent_bytes)} of "
                f"{format_bytes(self._blob_bytes)}"
            )
            speed = "" if rate is None else f", {format_bytes(rate)}/s"
            parts.append(f"sent {format_bytes(self.moved_bytes)}{speed}")
        if self._read_bytes:
            parts.append(f"read {format_bytes(self._read_bytes)}")
        if self._skipped:
            parts.append(f"skipped {self._skipped} ({format_bytes(self._skipped_bytes)})")
        return "; ".join(parts)

    def _describe_share(self, rate: float | None) -> str:
        done = self.moved_bytes + self._resumed_bytes + self._skipped_bytes
        left = max(0, self._expected_bytes - done)
        # 100 % only at the end: 99.9 % is rounded down.
        share = f"{100 * (self._expected_bytes - left) // self._expected_bytes} %"
        return f"{share}, {format_seconds_roughly(left / rate)} left" if left and rate else share

    def _ended_at(self) -> float:
        """Return the time of the last confirmed bytes: the import after them is no transfer."""
        return self._moved_at
