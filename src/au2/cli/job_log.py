"""Printers of a job's log: the program's bytes, or JSON and YAML records."""

from base64 import b64encode
from collections.abc import Sequence

from au2.console.cells import visible
from au2.console.console import Console
from au2.console.documents import format_json_line
from au2.console.safe_log import SafeLog
from au2.stores.logs.record import STDOUT, Record, WholeCharacters


def choose_printer(console: Console, *, timestamps: bool) -> "BytePrinter | RecordPrinter":
    """Return the printer for the format of the command line."""
    if console.output_format != "table":
        return RecordPrinter(console, as_json=console.output_format == "json")
    return BytePrinter(console, timestamps=timestamps)


class BytePrinter:
    """Printer of the program's bytes: its stdout on stdout, other streams on stderr.

    On a terminal control sequences are written out; files and pipes get the exact bytes.
    """

    def __init__(self, console: Console, *, timestamps: bool = False) -> None:
        self._console = console
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

    def _is_seen(self, stream: str) -> bool:
        console = self._console
        return console.shows_data if stream == STDOUT else console.can_animate

    def _print(self, stream: str, data: bytes) -> None:
        (self._console.bytes_out if stream == STDOUT else self._console.bytes_err)(data)

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

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self._console = console
        self._as_json = as_json
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
                self._console.text(f"{',' if self._count else '['}\n  {record}")
            else:
                # JSON is YAML too.
                self._console.text(f"- {record}\n")
            self._count += 1

    def end(self) -> None:
        """Close the list."""
        self._print(self._characters.end())
        if self._as_json:
            self._console.text("\n]\n" if self._count else "[]\n")
        elif not self._count:
            self._console.text("[]\n")

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
