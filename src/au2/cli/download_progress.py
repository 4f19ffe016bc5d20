"""How far a download is: on a terminal a line drawn over itself, and a sentence at the end."""

from collections.abc import Callable

from au2.console.console import Console
from au2.domain.wording import format_bytes

_REDRAW_SECONDS = 0.1


class DownloadProgress:
    """Counts bytes and tells their rate."""

    def __init__(
        self, console: Console, total_bytes: int | None, *, clock: Callable[[], float]
    ) -> None:
        self._terminal = console
        self._total = "" if total_bytes is None else f" of {format_bytes(total_bytes)}"
        self._clock = clock
        self._begun_at = self._drawn_at = clock()
        self._received_bytes = 0

    def advance(self, size_bytes: int) -> None:
        """Count ``size_bytes`` more."""
        self._received_bytes += size_bytes
        moment = self._clock()
        if self._terminal.can_animate and moment - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = moment
            self._terminal.redraw(f"{self._so_far()}{self._total}, {self._rate()}")

    def finish(self) -> None:
        """Tell the sum, if anything came."""
        if not self._received_bytes:
            return
        if self._terminal.can_animate:
            self._terminal.redraw("")
        self._terminal.remark(f"{self._so_far()}, {self._rate()}")

    def _so_far(self) -> str:
        return f"Received {format_bytes(self._received_bytes)}"

    def _rate(self) -> str:
        seconds = max(self._clock() - self._begun_at, 1e-6)
        return f"{format_bytes(self._received_bytes / seconds)}/s"
