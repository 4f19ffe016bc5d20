"""One suite for every log store."""

from collections.abc import Callable
from pathlib import Path

import pytest

from au2.domain.errors import LeaseLost
from au2.stores.logs.files import FileLogStore
from au2.stores.logs.protocol import LogStore, LogWriter
from au2.stores.logs.record import Record, format_record, parse_records

JOB = 7_644_571
LINE = format_record(Record("2026-01-02T03:04:05.678901234Z", "stdout", False, b"hello \xff"))


@pytest.fixture(params=["files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    return {"files": FileLogStore}[request.param](tmp_path / "logs")


def append(store: LogStore, job: int, attempt: int, data: bytes) -> int:
    """Append to a log as the only one who writes it."""
    writer = store.writer(job, attempt, 1)
    return writer.append(data, at=writer.size_bytes())


def whole(store: LogStore, attempt: int = 1) -> bytes:
    return store.read(JOB, attempt, offset=0, limit_bytes=1 << 30)


def test_a_log_that_is_not_there_is_empty(store: LogStore) -> None:
    assert store.size_bytes(JOB, 1) == 0
    assert whole(store) == b""
    store.remove(JOB)


def test_append_returns_the_new_size(store: LogStore) -> None:
    assert append(store, JOB, 1, LINE) == len(LINE)
    assert append(store, JOB, 1, LINE) == 2 * len(LINE) == store.size_bytes(JOB, 1)
    assert whole(store) == LINE * 2
    store.writer(JOB, 1, 1).sync()


def test_appending_nothing_makes_an_empty_log(store: LogStore) -> None:
    assert append(store, JOB, 1, b"") == 0


def test_reading_from_an_offset_with_a_limit(store: LogStore) -> None:
    append(store, JOB, 1, LINE)
    assert store.read(JOB, 1, offset=5, limit_bytes=7) == LINE[5:12]
    assert store.read(JOB, 1, offset=len(LINE), limit_bytes=7) == b""
    assert store.read(JOB, 1, offset=len(LINE) + 99, limit_bytes=7) == b""


def test_attempts_and_jobs_are_apart(store: LogStore) -> None:
    append(store, JOB, 1, b"one\n")
    append(store, JOB, 2, b"two\n")
    append(store, JOB + 1, 1, b"other\n")
    assert (whole(store, 1), whole(store, 2)) == (b"one\n", b"two\n")
    store.remove(JOB)
    assert (store.size_bytes(JOB, 1), store.size_bytes(JOB, 2)) == (0, 0)
    assert store.size_bytes(JOB + 1, 1) == 6


def test_removing_a_job_leaves_those_whose_number_begins_alike(store: LogStore) -> None:
    append(store, 10, 1, LINE)
    append(store, 1, 1, LINE)
    append(store, 100, 1, LINE)
    store.remove(1)
    store.remove(10)
    assert store.size_bytes(100, 1) == len(LINE)


def test_truncate_cuts_and_never_extends(store: LogStore) -> None:
    append(store, JOB, 1, LINE + b"half")
    writer = store.writer(JOB, 1, 1)
    writer.truncate(len(LINE))
    writer.truncate(len(LINE) + 100)
    assert whole(store) == LINE
    append(store, JOB, 1, LINE)
    assert whole(store) == LINE * 2


def test_write_line_makes_a_record_per_line(store: LogStore) -> None:
    size = store.writer(JOB, 1, 1).write_line("platform", "first\n\nthird ü \udcff\n")
    records, consumed = parse_records(whole(store))
    assert consumed == size == store.size_bytes(JOB, 1)
    assert [record.content.decode() for record in records] == ["first", "", "third ü \\udcff"]
    assert {record.stream for record in records} == {"platform"}
    assert all(len(record.time) == 30 and record.time.endswith("Z") for record in records)


def test_write_line_cuts_long_lines_into_parts(store: LogStore) -> None:
    store.writer(JOB, 1, 1).write_line("platform", "x" * 20_000)
    records, _ = parse_records(whole(store))
    assert [(record.partial, len(record.content)) for record in records] == [
        (True, 8192),
        (True, 8192),
        (False, 3616),
    ]


def refused(writer: LogWriter, store: LogStore) -> bool:
    """Whether every change by this writer is refused, and changes nothing."""
    before = whole(store)
    changes: list[Callable[[], object]] = [
        lambda: writer.append(LINE, at=len(before)),
        lambda: writer.write_line("platform", "late"),
        lambda: writer.truncate(0),
        writer.sync,
    ]
    for change in changes:
        with pytest.raises(LeaseLost):
            change()
    writer.close()
    return whole(store) == before


def test_a_later_writer_shuts_out_earlier_ones(store: LogStore) -> None:
    first = store.writer(JOB, 1, 4)
    first.append(LINE, at=0)
    second = store.writer(JOB, 1, 5)
    assert refused(first, store)
    with pytest.raises(LeaseLost):
        store.writer(JOB, 1, 4)
    assert second.append(LINE, at=len(LINE)) == 2 * len(LINE)
    assert store.writer(JOB, 1, 5).append(LINE, at=2 * len(LINE)) == 3 * len(LINE)


def test_append_is_refused_elsewhere_than_at_the_end(store: LogStore) -> None:
    writer = store.writer(JOB, 1, 1)
    writer.append(LINE, at=0)
    for at in (0, len(LINE) - 1, len(LINE) + 1):
        with pytest.raises(LeaseLost):
            writer.append(LINE, at=at)
    assert whole(store) == LINE


def test_nobody_writes_a_closed_or_removed_log(store: LogStore) -> None:
    writer = store.writer(JOB, 1, 1)
    writer.append(LINE, at=0)
    writer.close()
    writer.close()
    assert refused(writer, store)
    assert whole(store) == LINE
    again = store.writer(JOB, 1, 2)
    store.remove(JOB)
    assert refused(again, store)
    assert store.size_bytes(JOB, 1) == 0


def test_jobs_with_logs_and_their_sizes(store: LogStore) -> None:
    assert list(store.list_jobs()) == []
    append(store, JOB, 1, LINE)
    append(store, JOB, 2, LINE)
    append(store, 1, 1, LINE)

    assert sorted(store.list_jobs()) == [1, JOB]
    assert store.job_bytes(JOB) == 2 * len(LINE)
    assert store.job_bytes(2) == 0
    store.remove(JOB)
    assert list(store.list_jobs()) == [1]
