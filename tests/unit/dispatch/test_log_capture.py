"""What is stored of a raw log: all of it, without secrets, also after a restart at any moment."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.dispatch.log_capture import LogCapture
from au2.dispatch.log_masking import LogMasker
from au2.logs.files import FileLogStore
from au2.logs.record import Record, format_record, parse_records
from au2.secrets.masking import Masker

SECRET = "hunter2-and-more"
TIME = "2030-01-02T03:04:05.000000006Z"


def record(content: str, *, partial: bool = False, stream: str = "stdout") -> bytes:
    return format_record(Record(TIME, stream, partial, content.encode()))


class RawLog:
    """The part of an engine that a capture uses."""

    def __init__(self, data: bytes, chunk_bytes: int = 1 << 20) -> None:
        self.data = data
        self.chunk_bytes = chunk_bytes

    def read_log(self, _: str, *, offset: int, limit_bytes: int) -> bytes:
        return self.data[offset : offset + min(limit_bytes, self.chunk_bytes)]


class Silence:
    """Notices that nobody hears."""

    def send(self, _: str) -> None:
        return


def capture(raw: RawLog, logs: FileLogStore, *secrets: str) -> LogCapture:
    engine: Any = raw
    notices: Any = Silence()
    made = LogCapture(engine, logs, notices, 1, 1)
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
    made.advance("c", len(LINES))
    made.end()
    assert stored(logs) == LINES


def test_with_secrets_all_else_stays(logs: FileLogStore) -> None:
    made = capture(RawLog(LINES), logs, SECRET)
    made.advance("c", len(LINES))
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
    first.advance("c", cut)
    # Killed in the middle of a write.
    logs.truncate(1, 1, first.stored_bytes - cut % 5)

    second = capture(raw, logs, SECRET)
    second.resume("c", cut, has_ended=False)
    second.advance("c", len(LINES))
    second.end()

    assert stored(logs) == expected


@pytest.mark.parametrize("secrets", [(), (SECRET,)])
def test_remarks_are_taken_back_and_made_again(logs: FileLogStore, secrets: tuple[str]) -> None:
    first = capture(RawLog(LINES), logs, *secrets)
    first.advance("c", len(LINES))
    first.end()
    before = stored(logs)
    first.remark("The log is too long.")

    second = capture(RawLog(LINES), logs, *secrets)
    second.resume("c", len(LINES), has_ended=True)
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
        made.advance("c", len(raw), within_seconds=0)
        assert made.stored_bytes > before
        looks += 1
    made.advance("c", len(raw))
    made.end()
    assert looks > 1
    assert shown(stored(logs)) == shown(LogMasker(Masker([SECRET])).feed(raw))
