"""Progress of reading much, on stderr."""

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from au2.domain.wording import format_bytes

_EVERY_SECONDS = 0.5
_EVERY_SECONDS_IN_A_LOG = 30.0


class ReadingProgress:
    """Says how much was read and how quickly: in one line of a terminal, or now and then."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._is_terminal = out.isatty()
        self._read_bytes = 0
        self._begun_at = self._told_at = clock()
        self._has_told = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal's line."""
        if self._has_told and self._is_terminal:
            self._write("\r\x1b[K")

    def __call__(self, read_bytes: int) -> None:
        """Count bytes that were read."""
        self._read_bytes += read_bytes
        now = self._clock()
        if now - self._told_at < (_EVERY_SECONDS if self._is_terminal else _EVERY_SECONDS_IN_A_LOG):
            return
        self._told_at = now
        self._has_told = True
        rate = format_bytes(self._read_bytes / (now - self._begun_at))
        text = f"Read {format_bytes(self._read_bytes)}, {rate}/s"
        self._write(f"\r\x1b[K{text}" if self._is_terminal else f"{text}\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):
            self._out.write(text)
            self._out.flush()
