"""Positions in logs, against a plain search through all records."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.app.jobs.log_positions import find_offset
from au2.stores.logs.files import FileLogStore
from au2.stores.logs.record import PLATFORM, STDERR, STDOUT, Record, format_record, parse_records

BEGIN = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def record(seconds: float, text: bytes, stream: str = STDOUT, *, partial: bool = False) -> bytes:
    moment = (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return format_record(Record(moment, stream, partial, text))


class Log:
    """A log in a store, and the offsets of its records."""

    def __init__(self, folder: Path, records: Iterable[bytes], rest: bytes = b"") -> None:
        self.store = FileLogStore(folder)
        self.records = list(records)
        self.store.writer(1, 1, 1).append(b"".join([*self.records, rest]), at=0)
        self.offsets = [0]
        for one in self.records:
            self.offsets.append(self.offsets[-1] + len(one))

    def find(self, *, tail: int | None = None, since: datetime | None = None) -> int:
        size_bytes = self.store.size_bytes(1, 1)
        return find_offset(self.store, 1, 1, size_bytes=size_bytes, tail=tail, since=since)

    def text_from(self, offset: int) -> list[bytes]:
        data = self.store.read(1, 1, offset=offset, limit_bytes=1 << 30)
        return [found.content for found in parse_records(data)[0]]


def expected_tail(log: Log, lines: int) -> int:
    """Offset of the last lines, by going through all records."""
    parsed = [parse_records(one)[0][0] for one in log.records]
    if lines == 0:
        return log.offsets[-1]
    ends = [i for i, one in enumerate(parsed) if not one.partial or i == len(parsed) - 1]
    return log.offsets[ends[-lines - 1] + 1] if len(ends) > lines else 0


RECORDS = st.lists(
    st.builds(
        record,
        st.just(0),
        st.binary(max_size=80).map(lambda text: text.replace(b"\n", b" ")),
        st.sampled_from([STDOUT, STDERR, PLATFORM]),
        partial=st.booleans(),
    ),
    max_size=30,
)


@given(
    RECORDS, st.integers(0, 40), st.sampled_from([b"", b"2030-01-02T03:04:05Z stdo", b"x" * 200])
)
def test_the_last_lines(records: list[bytes], lines: int, rest: bytes) -> None:
    with TemporaryDirectory() as folder:
        log = Log(Path(folder), records, rest)

        assert log.find(tail=lines) == expected_tail(log, lines)


@pytest.mark.parametrize("lines", [1, 2, 999, 4_000, 19_999, 20_000, 20_001, 100_000])
def test_the_last_lines_of_a_log_of_many_blocks(tmp_path: Path, lines: int) -> None:
    records = [record(n, b"%d" % n * (n % 7), partial=n % 5 == 0) for n in range(25_000)]
    log = Log(tmp_path, records)

    assert log.find(tail=lines) == expected_tail(log, lines)


def test_an_unfinished_line_at_the_end_is_a_line(tmp_path: Path) -> None:
    log = Log(tmp_path, [record(0, b"a"), record(1, b"b"), record(2, b"c", partial=True)])

    assert log.text_from(log.find(tail=1)) == [b"c"]
    assert log.text_from(log.find(tail=2)) == [b"b", b"c"]


def test_a_long_line_is_one_line(tmp_path: Path) -> None:
    parts = [record(1, b"x" * 8000, partial=True)] * 200
    log = Log(tmp_path, [record(0, b"a"), *parts, record(2, b"end")])

    assert log.find(tail=1) == log.offsets[1]


def test_no_log_begins_at_its_beginning(tmp_path: Path) -> None:
    store = FileLogStore(tmp_path)
    assert find_offset(store, 7, 1, size_bytes=0, tail=5, since=BEGIN) == 0
    assert find_offset(store, 7, 1, size_bytes=0) == 0


def test_what_is_on_a_damaged_disk_is_passed_over(tmp_path: Path) -> None:
    damage = b"\x00\xff no record at all"
    log = Log(tmp_path, [record(0, b"a"), damage + b"\n", record(2, b"b")], rest=b"\x00" * 600_000)

    assert log.find(tail=1) == log.offsets[2]
    assert log.find(tail=2) == log.offsets[1]
    assert log.find(since=BEGIN + timedelta(seconds=1)) == log.offsets[2]


@pytest.mark.parametrize("seconds", [-1, 0, 0.5, 1, 777, 12_345.5, 24_999, 25_000, 1e6])
def test_what_was_printed_since_a_time(tmp_path: Path, seconds: float) -> None:
    log = Log(tmp_path, [record(n, b"%d" % n * (n % 7)) for n in range(25_000)])
    wanted = min(25_000, max(0, -int(-seconds // 1)))

    assert log.find(since=BEGIN + timedelta(seconds=seconds)) == log.offsets[wanted]


def test_a_remark_of_the_platform_does_not_mislead_the_search(tmp_path: Path) -> None:
    records = [record(n, b"%d" % n) for n in range(20_000)]
    # Written while the dispatcher took the job back; the output before it came later.
    records[9_000] = record(19_000, b"The server was restarted.", PLATFORM)
    log = Log(tmp_path, records)

    assert log.find(since=BEGIN + timedelta(seconds=5_000)) == log.offsets[5_000]


def test_times_of_other_zones_and_the_ends_of_time(tmp_path: Path) -> None:
    lines = [b"2030-01-02T05:04:05.123456789+02:00 stdout F a\n", record(1, b"b")]
    log = Log(tmp_path, lines)

    assert log.find(since=BEGIN) == 0
    assert log.find(since=BEGIN + timedelta(seconds=0.5)) == log.offsets[1]
    assert log.find(since=datetime.fromisoformat("0001-01-01T00:00:00+23:59")) == 0
    assert log.find(since=datetime.fromisoformat("9999-12-31T23:59:59-23:59")) == log.offsets[2]


def test_with_both_the_later_one(tmp_path: Path) -> None:
    log = Log(tmp_path, [record(n, b"%d" % n) for n in range(10)])

    assert log.find(tail=3, since=BEGIN + timedelta(seconds=2)) == log.offsets[7]
    assert log.find(tail=9, since=BEGIN + timedelta(seconds=8)) == log.offsets[8]
