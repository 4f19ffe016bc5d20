"""How far the upload of an image is: a line drawn over itself, and a sentence at the end."""

from collections.abc import Callable

from au2.cli.moving_rate import MovingRate
from au2.console.console import Console
from au2.domain.wording import format_bytes, format_seconds_roughly

_REDRAW_SECONDS = 0.1


class ImageProgress:
    """Counts what is read, sent and skipped. A blob is a layer or the configuration."""

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        self._terminal = console
        self._clock = clock
        self._begun_at = self._drawn_at = clock()
        self._first_sent_at: float | None = None
        self._last_sent_at = self._begun_at
        self._read_bytes = 0
        self._sent_bytes = 0
        self._skipped_bytes = 0
        self._resumed_bytes = 0
        self._blobs = 0
        self._skipped = 0
        self._blob_bytes = 0
        self._blob_sent_bytes = 0
        self._expected_bytes = 0
        self._recent = MovingRate()

    def expect(self, size_bytes: int) -> None:
        """So much is to be sent or skipped in all."""
        self._expected_bytes = size_bytes

    def read(self, size_bytes: int) -> None:
        """Count what was read ahead."""
        self._read_bytes += size_bytes
        self._draw()

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        """Count a blob that is being sent."""
        if self._first_sent_at is None:
            self._first_sent_at = self._clock()
            self._recent.note(self._first_sent_at, 0)
        self._blobs += 1
        self._resumed_bytes += received_bytes
        self._blob_bytes, self._blob_sent_bytes = blob_bytes, received_bytes

    def advance(self, size_bytes: int) -> None:
        """Count what has come, as the server says."""
        self._sent_bytes += size_bytes
        self._blob_sent_bytes += size_bytes
        self._last_sent_at = self._clock()
        self._recent.note(self._last_sent_at, self._sent_bytes)
        self._draw()

    def skip(self, blob_bytes: int) -> None:
        """Count a blob that the server has."""
        self._blobs += 1
        self._skipped += 1
        self._skipped_bytes += blob_bytes
        self._draw()

    def finish(self) -> None:
        """Tell the sums, if there are any."""
        if self._terminal.can_animate:
            self._terminal.redraw("")
        if not self._blobs:
            return
        sent = f"Sent {format_bytes(self._sent_bytes)}, {self._rate()}"
        told = [sent if self._sent_bytes else "Nothing to send"]
        if self._resumed_bytes:
            told.append(f"{format_bytes(self._resumed_bytes)} had come before")
        blobs = "blob" if self._blobs == 1 else "blobs"
        told.append(
            f"the server had {self._skipped} of {self._blobs} {blobs} "
            f"({format_bytes(self._skipped_bytes)})"
        )
        self._terminal.remark("; ".join(told))

    def _draw(self) -> None:
        moment = self._clock()
        if self._terminal.can_animate and moment - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = moment
            self._terminal.redraw(self._line(moment))

    def _line(self, moment: float) -> str:
        rate = self._recent.per_second(moment)
        parts = [self._overall(rate)] if self._expected_bytes else []
        if self._blob_bytes:
            parts.append(
                f"Blob {self._blobs}: {format_bytes(self._blob_sent_bytes)} of "
                f"{format_bytes(self._blob_bytes)}"
            )
            speed = "" if rate is None else f", {format_bytes(rate)}/s"
            parts.append(f"sent {format_bytes(self._sent_bytes)}{speed}")
        if self._read_bytes:
            parts.append(f"read {format_bytes(self._read_bytes)}")
        if self._skipped:
            parts.append(f"skipped {self._skipped} ({format_bytes(self._skipped_bytes)})")
        return "; ".join(parts)

    def _overall(self, rate: float | None) -> str:
        done = self._sent_bytes + self._resumed_bytes + self._skipped_bytes
        left = max(0, self._expected_bytes - done)
        # Whole only when it is: 99.9 % is not all.
        told = f"{100 * (self._expected_bytes - left) // self._expected_bytes} %"
        return f"{told}, {format_seconds_roughly(left / rate)} left" if left and rate else told

    def _rate(self) -> str:
        begun = self._begun_at if self._first_sent_at is None else self._first_sent_at
        seconds = max(self._last_sent_at - begun, 1e-3)
        return f"{format_bytes(self._sent_bytes / seconds)}/s"
