"""Progress of transfers: a line on a terminal, whole lines in a log, a summary."""

import io

import pytest

from au2.console.console import Console
from au2.console.progress import TransferProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress_on(
    stderr: io.StringIO, *moments: float, log_seconds: float | None = None
) -> TransferProgress:
    console = Console(None, io.StringIO(), stderr)
    clock = iter(moments)
    return TransferProgress(console, "Read", log_seconds=log_seconds, clock=lambda: next(clock))


def test_a_line_on_a_terminal_says_how_much_and_how_quickly() -> None:
    stderr = Terminal()
    with progress_on(stderr, 0.0, 0.05, 2.0, 2.05) as progress:
        for _ in range(3):
            progress.advance(1 << 20)
        assert stderr.getvalue() == "\r\x1b[KRead 2 MiB, 1 MiB/s"
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_a_log_gets_whole_lines_now_and_then() -> None:
    stderr = io.StringIO()
    with progress_on(stderr, 0.0, 16.0, 32.0, log_seconds=30.0) as progress:
        progress.advance(16 << 20)
        progress.advance(16 << 20)
    assert stderr.getvalue() == "Read 32 MiB, 1 MiB/s\n"


@pytest.mark.parametrize(
    ("size_bytes", "note", "summary"),
    [
        (4 << 20, "", "Read 4 MiB, 2 MiB/s\n"),
        (4 << 20, "1 of 2 files", "Read 4 MiB, 2 MiB/s; 1 of 2 files\n"),
        (0, "1 of 2 files", "Nothing to send; 1 of 2 files\n"),
        (0, "", ""),
    ],
)
def test_the_summary(size_bytes: int, note: str, summary: str) -> None:
    stderr = io.StringIO()
    # The bytes left after half a second, the answer came after two.
    progress = progress_on(stderr, 0.0, 0.5, 2.0)
    progress.advance(size_bytes)
    progress.finish(note)
    assert stderr.getvalue() == summary
