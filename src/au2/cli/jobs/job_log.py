"""Printers of a job's log: the program's bytes, or JSON and YAML records."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import Final, NamedTuple

import click

from au2.client.http.transport import Transport
from au2.console.cells import visible
from au2.console.console import Console
from au2.console.documents import format_json_line
from au2.console.safe_log import SafeLog
from au2.stores.logs.record import STDOUT, Record, WholeCharacters

_KEPT_BYTES: Final = 8 << 20
"""Of a list that is printed whole; more of it goes to a file."""
_BLOCK_CHARACTERS: Final = 1 << 20


class LogStart(NamedTuple):
    """Record at which a log begins to be printed; all None: the newest attempt's first."""

    attempt: int | None = None
    tail: int | None = None
    """Lines before the end."""
    since: datetime | None = None

    def find(self, transport: Transport, job_id: int) -> tuple[int, int]:
        """Return the attempt's number and the offset in its log. Raises NotFound."""
        from au2.client.resources.job_logs import find_log_position
        from au2.client.resources.jobs import poll_job

        if self.tail is None and self.since is None:
            return self.attempt or poll_job(transport, job_id).newest_attempt, 0
        found = find_log_position(
            transport, job_id, attempt=self.attempt, tail=self.tail, since=self.since
        )
        return found.attempt, found.offset_bytes


def parse_since(text: str) -> datetime:
    """Return the time of ``--since``: RFC 3339, local without a zone, or so long ago.

    Raises:
        UsageError: neither.
    """
    from au2.domain.clock import now
    from au2.domain.errors import InvalidRequest
    from au2.package.sizes import parse_duration

    try:
        return now() - timedelta(seconds=parse_duration(text))
    except (InvalidRequest, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise click.UsageError(
            f"--since wants a length of time (90s, 10m, 2h) or a time (2026-11-30T20:06), "
            f"not '{text}'.",
            click.get_current_context(),
        ) from error


def choose_printer(
    console: Console, *, timestamps: bool, is_whole: bool = False
) -> "BytePrinter | RecordPrinter":
    """Return the printer for the format of the command line.

    ``is_whole``: a JSON or YAML list is printed at its end, so that an error leaves none.
    """
    if console.makes_document:
        return RecordPrinter(console, as_json=console.output_format == "json", is_whole=is_whole)
    return BytePrinter(console, timestamps=timestamps)


def _open_kept() -> SpooledTemporaryFile[str]:
    return SpooledTemporaryFile(_KEPT_BYTES, "w+", encoding="utf-8", newline="")


class BytePrinter:
    """Printer of the program's bytes: its stdout on stdout, other streams on stderr.

    On a terminal control sequences are written out; files and pipes get the exact bytes.
    """

    def __init__(
        self, console: Console, *, timestamps: bool = False, on_stderr: bool = False
    ) -> None:
        """Args: ``on_stderr``: the program's stdout goes there too."""
        self._console = console
        self._on_stderr = on_stderr
        self._timestamps = timestamps
        self._open_streams: set[str] = set()
        """Streams whose last line has no end yet."""
        self._last: Record | None = None
        self._safe: dict[str, SafeLog] = {}
        """Filters of the streams that go to a terminal."""

    def pieces(self, pieces: Sequence[Record]) -> None:
        """Print the next pieces."""
        for piece in pieces:
            content = piece.printed
            if self._is_seen(piece.stream):
                content = self._safe.setdefault(piece.stream, SafeLog()).feed(content)
            self._print(piece.stream, self._prefix(piece) + content)
            self._last = piece
        self._console.flush()

    def end(self) -> None:
        """Print the rest, without adding a newline."""
        for stream, safe in self._safe.items():
            self._print(stream, safe.end())

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _is_seen(self, stream: str) -> bool:
        console = self._console
        return console.shows_data if self._is_data(stream) else console.can_animate

    def _is_data(self, stream: str) -> bool:
        return stream == STDOUT and not self._on_stderr

    def _print(self, stream: str, data: bytes) -> None:
        (self._console.bytes_out if self._is_data(stream) else self._console.bytes_err)(data)

    def begin_remarks(self) -> None:
        """End an open line of the program, if remarks would continue the line."""
        last = self._last
        if last is None or not last.partial:
            return
        if last.stream != STDOUT or self._console.shows_data or self._console.mixes_streams:
            self._console.remark("")

    def _prefix(self, piece: Record) -> bytes:
        if not self._timestamps:
            return b""
        goes_on = piece.stream in self._open_streams
        (self._open_streams.add if piece.partial else self._open_streams.discard)(piece.stream)
        return b"" if goes_on else visible(f"{piece.time} {piece.stream} ").encode()


class RecordPrinter:
    """Printer of a JSON or YAML list, one record a line, never held in memory as a whole."""

    def __init__(self, console: Console, *, as_json: bool, is_whole: bool) -> None:
        self._console = console
        self._as_json = as_json
        self._kept = _open_kept() if is_whole else None
        """The list so far, where it is printed at its end."""
        self._characters: WholeCharacters[Record] = WholeCharacters()
        self._count = 0

    def pieces(self, pieces: Sequence[Record]) -> None:
        """Print the next pieces, cut between characters."""
        for piece in pieces:
            self._print(self._characters.feed(piece))

    def _print(self, pieces: Sequence[Record]) -> None:
        for piece in pieces:
            record = format_json_line(_document(piece))
            if self._as_json:
                self._write(f"{',' if self._count else '['}\n  {record}")
            else:
                # JSON is YAML too.
                self._write(f"- {record}\n")
            self._count += 1

    def _write(self, text: str) -> None:
        if self._kept is None:
            self._console.text(text)
        else:
            self._kept.write(text)

    def end(self) -> None:
        """Close the list."""
        self._print(self._characters.end())
        if self._as_json:
            self._write("\n]\n" if self._count else "[]\n")
        elif not self._count:
            self._write("[]\n")
        if self._kept is None:
            return
        self._kept.seek(0)
        while block := self._kept.read(_BLOCK_CHARACTERS):
            self._console.text(block)

    def close(self) -> None:
        """Close the file of a list that is printed at its end."""
        if self._kept is not None:
            self._kept.close()

    def begin_remarks(self) -> None:
        """Do nothing: every record ends its line."""


def _document(piece: Record) -> dict[str, object]:
    document: dict[str, object] = {
        "time": piece.time,
        "stream": piece.stream,
        "partial": piece.partial,
    }
    try:
        return document | {"text": piece.content.decode()}
    except UnicodeDecodeError:
        return document | {"base64": b64encode(piece.content).decode("ascii")}
