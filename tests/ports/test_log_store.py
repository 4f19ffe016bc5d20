"""One suite for every log store."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from au2.logs.base import LogStore
from au2.logs.files import FileLogStore
from au2.logs.record import Record, format_record, parse_records

JOB = 7_644_571
LINE = format_record(Record("2026-01-02T03:04:05.678901234Z", "stdout", False, b"hello \xff"))


@pytest.fixture(params=["files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    return {"files": FileLogStore}[request.param](tmp_path / "logs")


def whole(store: LogStore, attempt: int = 1) -> bytes:
    return store.read(JOB, attempt, offset=0, limit_bytes=1 << 30)


def test_a_log_that_is_not_there_is_empty(store: LogStore) -> None:
    assert store.size_bytes(JOB, 1) == 0
    assert whole(store) == b""
    store.truncate(JOB, 1, 0)
    store.sync(JOB, 1)
    store.remove(JOB)


def test_append_returns_the_new_size(store: LogStore) -> None:
    assert store.append(JOB, 1, LINE) == len(LINE)
    assert store.append(JOB, 1, LINE) == 2 * len(LINE) == store.size_bytes(JOB, 1)
    assert whole(store) == LINE * 2
    store.sync(JOB, 1)


def test_appending_nothing_makes_an_empty_log(store: LogStore) -> None:
    assert store.append(JOB, 1, b"") == 0


def test_reading_from_an_offset_with_a_limit(store: LogStore) -> None:
    store.append(JOB, 1, LINE)
    assert store.read(JOB, 1, offset=5, limit_bytes=7) == LINE[5:12]
    assert store.read(JOB, 1, offset=len(LINE), limit_bytes=7) == b""
    assert store.read(JOB, 1, offset=len(LINE) + 99, limit_bytes=7) == b""


def test_attempts_and_jobs_are_apart(store: LogStore) -> None:
    store.append(JOB, 1, b"one\n")
    store.append(JOB, 2, b"two\n")
    store.append(JOB + 1, 1, b"other\n")
    assert (whole(store, 1), whole(store, 2)) == (b"one\n", b"two\n")
    store.remove(JOB)
    assert (store.size_bytes(JOB, 1), store.size_bytes(JOB, 2)) == (0, 0)
    assert store.size_bytes(JOB + 1, 1) == 6


def test_removing_a_job_leaves_those_whose_number_begins_alike(store: LogStore) -> None:
    store.append(10, 1, LINE)
    store.append(1, 1, LINE)
    store.append(100, 1, LINE)
    store.remove(1)
    store.remove(10)
    assert store.size_bytes(100, 1) == len(LINE)


def test_truncate_cuts_and_never_extends(store: LogStore) -> None:
    store.append(JOB, 1, LINE + b"half")
    store.truncate(JOB, 1, len(LINE))
    store.truncate(JOB, 1, len(LINE) + 100)
    assert whole(store) == LINE
    store.append(JOB, 1, LINE)
    assert whole(store) == LINE * 2


def test_write_line_makes_a_record_per_line(store: LogStore) -> None:
    size = store.write_line(JOB, 1, "platform", "first\n\nthird ü \udcff\n")
    records, consumed = parse_records(whole(store))
    assert consumed == size == store.size_bytes(JOB, 1)
    assert [record.content.decode() for record in records] == ["first", "", "third ü \\udcff"]
    assert {record.stream for record in records} == {"platform"}
    assert all(len(record.time) == 30 and record.time.endswith("Z") for record in records)


def test_write_line_cuts_long_lines_into_parts(store: LogStore) -> None:
    store.write_line(JOB, 1, "platform", "x" * 20_000)
    records, _ = parse_records(whole(store))
    assert [(record.partial, len(record.content)) for record in records] == [
        (True, 8192),
        (True, 8192),
        (False, 3616),
    ]


def test_writers_at_the_same_time_lose_nothing(store: LogStore) -> None:
    def write(number: int) -> None:
        for _ in range(50):
            store.append(JOB, 1, b"T stdout F %d\n" % number * 10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    records, _ = parse_records(whole(store))
    assert len(records) == 4 * 50 * 10
    assert all(sum(r.content == b"%d" % n for r in records) == 500 for n in range(4))
