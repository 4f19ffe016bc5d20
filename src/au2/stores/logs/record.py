r"""Records of a log at rest: the log format of the Kubernetes container runtime interface (CRI).

``<RFC 3339 time> <stream> <P|F> <content>\n``. A ``P`` record is a part of a line that continues in
the next record of the same stream; an ``F`` record ended with a newline. :data:`PLATFORM` is the
stream of the platform's own remarks. The command line imports this module, so its imports are few.
"""

import time
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

STDOUT = "stdout"
STDERR = "stderr"
PLATFORM = "platform"
STREAMS = frozenset({STDOUT, STDERR, PLATFORM})

_STREAMS = {name.encode(): name for name in STREAMS}
_PARTIAL = {b"P": True, b"F": False}


class Record(NamedTuple):
    """A line of output, or a part of one. A named tuple, because a log has millions."""

    time: str
    """RFC 3339, as precise as written; empty for a damaged record."""
    stream: str
    partial: bool
    """Whether the line continues in the next record of this stream."""
    content: bytes
    """Bytes as printed, without the newline."""

    @property
    def printed(self) -> bytes:
        """Bytes printed by the program, with the newline at the end of a line."""
        return self.content if self.partial else self.content + b"\n"


def format_time_now() -> str:
    """Return the present time in a record's form: UTC, with nanoseconds."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds:09d}Z"


def format_record(record: Record) -> bytes:
    """Return the bytes of ``record`` at rest; inverse of :func:`parse_records`.

    Raises:
        ValueError: the content holds a newline, which would forge a record.

    """
    if b"\n" in record.content:
        raise ValueError("A record's content holds no newline.")
    tag = "P" if record.partial else "F"
    return f"{record.time} {record.stream} {tag} ".encode() + record.content + b"\n"


def parse_records(data: bytes) -> tuple[list[Record], int]:
    """Return all whole records at the start of ``data``, and their length in bytes.

    The rest is the beginning of an incomplete record. A line in another form (a damaged disk)
    becomes a remark of the platform, so that nothing is lost or raised.
    """
    consumed_bytes = data.rfind(b"\n") + 1
    lines = data[:consumed_bytes].split(b"\n")
    lines.pop()
    records: list[Record] = []
    for line in lines:
        # Spelled out here, past Record's own constructor: logs have millions of lines.
        try:
            time, stream, tag, content = line.split(b" ", 3)
            fields = (time.decode("ascii"), _STREAMS[stream], _PARTIAL[tag], content)
            record = tuple.__new__(Record, fields)
        except (ValueError, KeyError):
            record = _parse_odd_line(line)
        records.append(record)
    return records, consumed_bytes


def _parse_odd_line(line: bytes) -> Record:
    """Parse rare forms: further tags, or no space after the tag of an empty line.

    The format allows more tags after a colon. None is defined, so only the first counts.
    """
    time, _, rest = line.partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tags, _, content = rest.partition(b" ")
    tag = tags.partition(b":")[0]
    if stream in _STREAMS and tag in _PARTIAL and time.isascii():
        return Record(time.decode("ascii"), _STREAMS[stream], _PARTIAL[tag], content)
    return Record("", PLATFORM, False, line)


_LENGTHS = ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4))
"""First and last leading byte by length of the character (RFC 3629)."""


class Piece(Protocol):
    """A line of output or a part of one, at rest or received."""

    @property
    def stream(self) -> str:
        """Name of the stream; lines of several streams may alternate."""
        ...

    @property
    def partial(self) -> bool:
        """Whether the line continues in the next part of this stream."""
        ...

    @property
    def content(self) -> bytes:
        """Bytes of the part."""
        ...

    def _replace(self, *, content: bytes) -> Self: ...


_Piece = TypeVar("_Piece", bound=Piece)


class WholeCharacters(Generic[_Piece]):
    """Moves an incomplete character at the end of a part to the next part of its line.

    The bytes of each stream and their order stay the same.
    """

    def __init__(self) -> None:
        self._pending: dict[str, _Piece] = {}

    @property
    def is_pending(self) -> bool:
        """Whether an incomplete character is held."""
        return bool(self._pending)

    def feed(self, piece: _Piece) -> list[_Piece]:
        """Return the part with the bytes held before; an empty list if all bytes are held."""
        before = self._pending.pop(piece.stream, None)
        content = piece.content if before is None else before.content + piece.content
        if piece.partial and (count := count_begun(content)):
            self._pending[piece.stream] = piece._replace(content=content[-count:])
            content = content[:-count]
            if not content:
                return []
        return [piece if content == piece.content else piece._replace(content=content)]

    def end(self) -> list[_Piece]:
        """Return the held parts, at the end of the log."""
        pieces = list(self._pending.values())
        self._pending.clear()
        return pieces


def count_begun(content: bytes) -> int:
    """Return the number of bytes of an incomplete character at the end."""
    for count, byte in enumerate(reversed(content[-3:]), start=1):
        if byte & 0xC0 == 0x80:  # A continuation byte.
            continue
        for first, last, length in _LENGTHS:
            if first <= byte <= last:
                return count if length > count else 0
        return 0
    return 0
