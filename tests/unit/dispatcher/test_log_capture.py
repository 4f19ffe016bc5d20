"""What is stored of a raw log: all of it, without secrets, also after a restart at any moment."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.dispatcher.log_capture import LogCapture, LogMasker
from au2.domain.errors import EngineFailure, StorageFull
from au2.engines.rate_limiter import CpuShare
from au2.secrets.masking import Masker
from au2.stores.logs.files import FileLogStore
from au2.stores.logs.protocol import LogWriter
from au2.stores.logs.record import Record, format_record, parse_records

SECRET = "hunter2-and-more"
TIME = "2030-01-02T03:04:05.000000006Z"


def record(content: str, *, partial: bool = False, stream: str = "stdout") -> bytes:
    return format_record(Record(TIME, stream, partial, content.encode()))


class RawLog:
    """The part of an engine that a capture uses."""

    def __init__(self, data: bytes, chunk_bytes: int = 1 << 20) -> None:
        self.data = data
        self.chunk_bytes = chunk_bytes
        self.dropped = 0

    def read_log(self, _: str, *, offset: int, limit_bytes: int) -> bytes:
        assert self.dropped <= offset, "what was given back is not read"
        return self.data[offset : offset + min(limit_bytes, self.chunk_bytes)]

    def drop_log(self, _: str, size_bytes: int) -> bool:
        self.dropped = size_bytes
        return True


CLAIM: Any = SimpleNamespace(
    job=SimpleNamespace(id=1), attempt=SimpleNamespace(number=1), fencing_token=1
)


class Silence:
    """Notices that nobody hears."""

    def send(self, _: str) -> None:
        return


class SmallDisk:
    """A log store whose log may have so many bytes, and a remark."""

    def __init__(self, store: FileLogStore, room_bytes: int) -> None:
        self.store = store
        self.room_bytes = room_bytes

    def writer(self, job_id: int, attempt: int, token: int) -> Any:
        return SmallWriter(self, self.store.writer(job_id, attempt, token))

    def read(self, job_id: int, attempt: int, *, offset: int, limit_bytes: int) -> bytes:
        return self.store.read(job_id, attempt, offset=offset, limit_bytes=limit_bytes)


class SmallWriter:
    def __init__(self, disk: SmallDisk, writer: LogWriter) -> None:
        self._disk = disk
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def append(self, data: bytes, *, at: int) -> int:
        if at + len(data) > self._disk.room_bytes:
            raise StorageFull
        return self._writer.append(data, at=at)


def capture(raw: RawLog, logs: Any, *secrets: str) -> LogCapture:
    engine: Any = raw
    notices: Any = Silence()
    made = LogCapture(engine, logs, notices, claim=CLAIM, container_id="c", cpu_share=CpuShare(1.0))
    made.mask(Masker(secrets))
    return made


def stored(logs: FileLogStore) -> bytes:
    return logs.read(1, 1, offset=0, limit_bytes=1 << 30)


def shown(data: bytes, stream: str = "stdout") -> bytes:
    return b"".join(
        found.content + (b"" if found.partial else b"\n")
        for found in parse_records(data)[0]
        if found.stream == stream
    )


@pytest.fixture
def logs(tmp_path: Path) -> FileLogStore:
    return FileLogStore(tmp_path)


LINES = (
    record("nothing special")
    + record(f"the value is {SECRET}.", stream="stderr")
    + record(f"in pieces: {SECRET[:4]}", partial=True)
    + record("between", stream="stderr")
    + record(SECRET[4:], partial=True)
    + record(" and on", partial=False)
    + record("")
    + b"no record at all "
    + SECRET.encode()
    + b"\n"
    + record("the end without a line end hunt", partial=True)
)


def test_without_secrets_byte_for_byte(logs: FileLogStore) -> None:
    made = capture(RawLog(LINES), logs)
    made.advance(len(LINES))
    made.end()
    assert stored(logs) == LINES


def test_with_secrets_all_else_stays(logs: FileLogStore) -> None:
    made = capture(RawLog(LINES), logs, SECRET)
    made.advance(len(LINES))
    assert shown(stored(logs)).endswith(b"the end without a line end ")
    made.end()
    assert shown(stored(logs)) == (
        b"nothing special\nin pieces: *** and on\n\nthe end without a line end hunt"
    )
    assert shown(stored(logs), "stderr") == b"the value is ***.\nbetween\n"
    assert b"no record at all ***\n" in stored(logs)
    assert made.stored_bytes == len(stored(logs))


@pytest.mark.parametrize("chunk_bytes", [60, 150, 1 << 20])
@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_after_a_restart_nothing_is_missing_or_twice(
    logs: FileLogStore, cut: int, chunk_bytes: int
) -> None:
    whole = LogMasker(Masker([SECRET]))
    expected = whole.feed(LINES) + whole.end()
    raw = RawLog(LINES, max(chunk_bytes, *map(len, LINES.splitlines(keepends=True))))
    first = capture(raw, logs, SECRET)
    first.advance(cut)
    # Killed in the middle of a write.
    logs.writer(1, 1, 1).truncate(first.stored_bytes - cut % 5)

    second = capture(raw, logs, SECRET)
    second.resume(cut)
    second.advance(len(LINES))
    second.end()

    assert stored(logs) == expected


@pytest.mark.parametrize("secrets", [(), (SECRET,)])
def test_remarks_are_taken_back_and_made_again(logs: FileLogStore, secrets: tuple[str]) -> None:
    first = capture(RawLog(LINES), logs, *secrets)
    first.advance(len(LINES))
    first.end()
    before = stored(logs)
    first.remark("The log is too long.")

    second = capture(RawLog(LINES), logs, *secrets)
    second.resume(len(LINES))
    second.advance(len(LINES))
    second.end()

    assert stored(logs) == before
    assert second.stored_bytes == len(before)


RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr"]),
        st.booleans(),
        st.sampled_from(["", "h", "hunt", "hunter2-", "and-more", "er2-and-", SECRET, " ", "x"]),
    ),
    max_size=20,
)


@given(RECORDS, st.lists(st.integers(0, 2000), max_size=5))
def test_nothing_leaks_and_nothing_else_is_lost(
    records: list[tuple[str, bool, str]], cuts: list[int]
) -> None:
    raw = b"".join(record(text, partial=tag, stream=stream) for stream, tag, text in records)
    masker = Masker([SECRET])
    lines = LogMasker(masker)
    made = b""
    start = 0
    for cut in sorted(cuts):
        end = raw.rfind(b"\n", 0, cut) + 1
        if end > start:
            made += lines.feed(raw[start:end])
            start = end
    made += lines.feed(raw[start:]) + lines.end()

    for stream in ("stdout", "stderr"):
        assert shown(made, stream) == masker.mask(shown(raw, stream))
        assert SECRET.encode() not in shown(made, stream)


def test_a_long_log_is_copied_in_several_looks(logs: FileLogStore) -> None:
    raw = LINES + record("much to mask") * 20_000
    made = capture(RawLog(raw), logs, SECRET)
    looks = 0
    while made.stored_bytes < len(raw) // 2 or looks == 0:
        before = made.stored_bytes
        made.advance(len(raw), within_seconds=0)
        assert made.stored_bytes > before
        looks += 1
    made.advance(len(raw))
    made.end()
    assert looks > 1
    assert shown(stored(logs)) == shown(LogMasker(Masker([SECRET])).feed(raw))


@pytest.mark.parametrize("secrets", [(), (SECRET,)])
def test_what_finds_no_room_is_stored_when_there_is_some(
    logs: FileLogStore, secrets: tuple[str]
) -> None:
    raw = LINES + record("and so on") * 20_000
    disk = SmallDisk(logs, 300_000)
    made = capture(RawLog(raw, 1 << 16), disk, *secrets)
    assert not made.advance(len(raw))
    assert not made.advance(len(raw))
    assert 300_000 - 4096 < made.stored_bytes <= 300_000
    disk.room_bytes = len(raw) // 2
    assert not made.advance(len(raw))
    disk.room_bytes = len(raw) * 2
    assert made.advance(len(raw))
    assert made.end()
    expected = LogMasker(Masker(secrets))
    assert stored(logs) == expected.feed(raw) + expected.end()


def test_the_raw_log_gives_its_room_up_for_the_stored_one(logs: FileLogStore) -> None:
    raw = RawLog(record("and so on") * 20_000, 1 << 16)
    made = capture(raw, SmallDisk(logs, 300_000))
    made.advance(len(raw.data))
    assert raw.dropped == made.stored_bytes > 0


class FailingDrop(RawLog):
    """A raw log of which nothing can be given back for the first few times."""

    failures = 3

    def drop_log(self, container_id: str, size_bytes: int) -> bool:
        if self.failures:
            self.failures -= 1
            raise EngineFailure("The engine can't give it back.")
        return super().drop_log(container_id, size_bytes)


def test_a_raw_log_that_can_not_be_given_back_is_tried_again(
    logs: FileLogStore, caplog: pytest.LogCaptureFixture
) -> None:
    raw = FailingDrop(record("and so on") * 20_000, 1 << 16)
    made = capture(raw, SmallDisk(logs, 300_000))
    with caplog.at_level(logging.WARNING):
        while raw.failures:
            assert not made.advance(len(raw.data))
        assert not made.advance(len(raw.data))
    assert raw.dropped == made.stored_bytes > 0
    assert len(caplog.records) == 1
    assert "can't give it back" in caplog.text


@pytest.mark.parametrize("secrets", [(), (SECRET,)])
def test_a_log_that_is_given_up_says_what_is_missing(
    logs: FileLogStore, secrets: tuple[str]
) -> None:
    raw = RawLog(LINES + record("and so on") * 20_000, 1 << 16)
    disk = SmallDisk(logs, 300_000)
    made = capture(raw, disk, *secrets)
    made.advance(len(raw.data))
    made.give_up(len(raw.data))
    last = parse_records(stored(logs))[0][-1]
    assert last.stream == "platform"
    assert re.search(rb"disk was full.*missing \(\d{6,7} bytes", last.content)

    # Killed before that was written down; there is room when the next one comes.
    disk.room_bytes = len(raw.data) * 2
    raw.dropped = 0
    again = capture(raw, disk, *secrets)
    again.resume(len(raw.data))
    assert again.advance(len(raw.data))
    assert again.end()
    expected = LogMasker(Masker(secrets))
    assert stored(logs) == expected.feed(raw.data) + expected.end()
