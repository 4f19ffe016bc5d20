"""The forms in which a log is printed."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Protocol

from au2.console.cells import visible
from au2.console.console import Console
from au2.console.documents import format_json_line
from au2.console.safe_log import SafeLog
from au2.stores.logs.characters import WholeCharacters
from au2.stores.logs.record import STDOUT, Record


class Printer(Protocol):
    """Prints a log, piece by piece."""

    def pieces(self, pieces: Sequence[Record]) -> None:
        """Print the next pieces."""
        ...

    def end(self) -> None:
        """Print what follows the last one."""
        ...

    def begin_remarks(self) -> None:
        """Let remarks that follow stand on lines of their own."""
        ...


def choose_printer(console: Console, *, timestamps: bool) -> Printer:
    """Return the printer for what the command line asked for."""
    if console.output_format != "table":
        return RecordPrinter(console, as_json=console.output_format == "json")
    return BytePrinter(console, timestamps=timestamps)


class BytePrinter:
    """The program's own bytes: its stdout to ours, all else to stderr.

    On a terminal they are made harmless; in a file or a pipe they are as they were printed.
    """

    def __init__(self, console: Console, *, timestamps: bool = False) -> None:
        self._terminal = console
        self._timestamps = timestamps
        self._open_streams: set[str] = set()
        """Streams whose last line is not at its end."""
        self._last: Record | None = None
        self._safe: dict[str, SafeLog] = {}
        """Of the streams that go to a terminal."""

    def pieces(self, pieces: Sequence[Record]) -> None:
        """Print the next pieces."""
        for piece in pieces:
            content = piece.printed
            if self._is_seen(piece.stream):
                content = self._safe.setdefault(piece.stream, SafeLog()).feed(content)
            self._print(piece.stream, self._prefix(piece) + content)
            self._last = piece
        self._terminal.flush()

    def end(self) -> None:
        """Nothing follows: not even a newline that the program did not print."""
        for stream, safe in self._safe.items():
            self._print(stream, safe.end())

    def _is_seen(self, stream: str) -> bool:
        console = self._terminal
        return console.shows_data if stream == STDOUT else console.can_animate

    def _print(self, stream: str, data: bytes) -> None:
        (self._terminal.bytes_out if stream == STDOUT else self._terminal.bytes_err)(data)

    def begin_remarks(self) -> None:
        """End a line that the program did not end, if remarks would be printed behind it."""
        last = self._last
        if last is None or not last.partial:
            return
        if last.stream != "stdout" or self._terminal.shows_data or self._terminal.mixes_streams:
            self._terminal.remark("")

    def _prefix(self, piece: Record) -> bytes:
        if not self._timestamps:
            return b""
        goes_on = piece.stream in self._open_streams
        (self._open_streams.add if piece.partial else self._open_streams.discard)(piece.stream)
        return b"" if goes_on else visible(f"{piece.time} {piece.stream} ").encode()


class RecordPrinter:
    """A JSON or YAML list with one record a line, never held in memory as a whole."""

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self._terminal = console
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
                self._terminal.text(f"{',' if self._count else '['}\n  {record}")
            else:
                # JSON is YAML too.
                self._terminal.text(f"- {record}\n")
            self._count += 1

    def end(self) -> None:
        """Close the list."""
        self._print(self._characters.end())
        if self._as_json:
            self._terminal.text("\n]\n" if self._count else "[]\n")
        elif not self._count:
            self._terminal.text("[]\n")

    def begin_remarks(self) -> None:
        """Every record has ended its line."""


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
