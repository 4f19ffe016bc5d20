"""How far an upload is: on a terminal a line drawn over itself, and a sentence at the end."""

from collections.abc import Callable

from au2.console.console import Console
from au2.domain.wording import format_bytes

_REDRAW_SECONDS = 0.1


class UploadProgress:
    """Counts bytes and tells their rate."""

    def __init__(
        self, console: Console, *, total_bytes: int, skipped: str, clock: Callable[[], float]
    ) -> None:
        self._terminal = console
        self._total_bytes = total_bytes
        self._skipped = skipped
        self._clock = clock
        self._begun_at = clock()
        self._drawn_at = self._begun_at
        self._sent_bytes = 0

    def advance(self, size_bytes: int) -> None:
        """Count ``size_bytes`` more."""
        self._sent_bytes += size_bytes
        moment = self._clock()
        if self._terminal.can_animate and moment - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = moment
            total = format_bytes(self._total_bytes)
            self._terminal.redraw(
                f"Sent {format_bytes(self._sent_bytes)} of {total}, {self._rate()}"
            )

    def finish(self) -> None:
        """Tell the sum."""
        if self._terminal.can_animate:
            self._terminal.redraw("")
        sent = f"Sent {format_bytes(self._sent_bytes)}, {self._rate()}"
        self._terminal.remark(f"{sent if self._sent_bytes else 'Nothing to send'}; {self._skipped}")

    def _rate(self) -> str:
        seconds = max(self._clock() - self._begun_at, 1e-6)
        return f"{format_bytes(self._sent_bytes / seconds)}/s"
