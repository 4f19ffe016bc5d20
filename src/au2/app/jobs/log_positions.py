"""Positions in a log: the offset of its last lines, or of its first record since a time.

Callers authorize the reading (:meth:`au2.app.jobs.jobs.Jobs.authorize_log`). Of a large log only a
part is read.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from au2.stores.logs.protocol import LogStore
from au2.stores.logs.record import PLATFORM, Record, parse_records

_Read = Callable[[int, int], bytes]
"""Reads a log: offset and largest number of bytes → bytes."""

_BLOCK_BYTES = 256 << 10
_PROBE_BYTES = 32 << 10
"""Holds a whole record wherever it begins: records have up to 8 KiB."""
_HEADER_BYTES = 64
"""Longer than time, stream and tag of a record."""
MOST_READ_BYTES = 64 << 20
"""Most bytes that are read in search of one position."""


def find_offset(
    logs: LogStore,
    job_id: int,
    attempt: int,
    *,
    size_bytes: int,
    tail: int | None = None,
    since: datetime | None = None,
) -> int:
    """Return the offset of the first record to show; with both conditions, the later one.

    Args:
        logs: store of the log.
        job_id: id of the job.
        attempt: number of the attempt.
        size_bytes: end of the log, as of now.
        tail: how many lines at the end are wanted, of all streams together.
        since: time of the earliest record that is wanted.
    """

    def read(offset: int, limit_bytes: int) -> bytes:
        limit = min(limit_bytes, size_bytes - offset)
        return logs.read(job_id, attempt, offset=offset, limit_bytes=limit) if limit > 0 else b""

    offsets = [0]
    if tail is not None:
        offsets.append(_find_tail(read, size_bytes, tail))
    if since is not None:
        offsets.append(_find_since(read, size_bytes, since))
    return max(offsets)


def _find_tail(read: _Read, size_bytes: int, lines: int) -> int:
    """Return the offset of the last ``lines`` lines; an unfinished one at the end counts too.

    Of lines beyond :data:`MOST_READ_BYTES`, as many as lie within.
    """
    following, seen = size_bytes, 0
    for number, (start, header) in enumerate(_headers_backwards(read, size_bytes)):
        if number == 0:
            following = start  # The end of the last whole record.
            if lines == 0:
                return following
            continue
        (record,), _ = parse_records(header + b"\n")
        # Only the log's last record begins a line without a record that ends it.
        if not record.partial or number == 1:
            seen += 1
            if seen > lines:
                return following
        following = start
    return following


def _headers_backwards(read: _Read, size_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and first bytes of each record, the last first.

    Before them the end of the last whole record, with what stands behind it: mostly nothing.
    """
    lowest = max(0, size_bytes - MOST_READ_BYTES)
    end, behind = size_bytes, b""
    while end > lowest:
        start = max(lowest, end - _BLOCK_BYTES)
        block = read(start, end - start)
        data = block + behind
        newline = len(block)
        while (newline := block.rfind(b"\n", 0, newline)) >= 0:
            header = data[newline + 1 : newline + 1 + _HEADER_BYTES]
            yield start + newline + 1, header.partition(b"\n")[0]
        end, behind = start, data[:_HEADER_BYTES]
    if lowest == 0:
        yield 0, behind.partition(b"\n")[0]


def _find_since(read: _Read, size_bytes: int, moment: datetime) -> int:
    """Return the offset of the first record of ``moment`` or later; the log's end without one."""
    low, high = 0, size_bytes
    while high - low > _BLOCK_BYTES:
        middle = (low + high) // 2
        found = _first_time(read(middle, _PROBE_BYTES))
        if found is not None and found < moment:
            low = middle
        else:
            high = middle
    # Times are ordered within a stream only, so the search begins a block earlier.
    start = max(0, low - _BLOCK_BYTES)
    for offset, record in _records_from(read, start):
        time = _parse_time(record)
        is_wanted = time is not None and time >= moment
        if is_wanted or offset - start > MOST_READ_BYTES:
            return offset
    return size_bytes


def _records_from(read: _Read, start: int) -> Iterator[tuple[int, Record]]:
    """Yield offset and record, from the first record that begins at ``start`` or behind."""
    offset = start
    if start > 0:
        # A record may begin at the start itself, behind the newline before it.
        offset = start - 1 + read(start - 1, _BLOCK_BYTES).find(b"\n") + 1
    while block := read(offset, _BLOCK_BYTES):
        records, consumed_bytes = parse_records(block)
        at = offset
        for record, line in zip(records, block[:consumed_bytes].split(b"\n"), strict=False):
            yield at, record
            at += len(line) + 1
        # Nothing but a damaged disk makes a record longer than a block.
        offset += consumed_bytes or len(block)


def _first_time(block: bytes) -> datetime | None:
    """Return the time of the first whole record with one behind the first newline.

    The platform's own remarks count only where nothing else is: they may be older or newer than the
    output around them.
    """
    records, _ = parse_records(block[block.find(b"\n") + 1 :])
    output = [record for record in records if record.stream != PLATFORM]
    times = (_parse_time(record) for record in output or records)
    return next((time for time in times if time is not None), None)


def _parse_time(record: Record) -> datetime | None:
    try:
        time = datetime.fromisoformat(record.time)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
