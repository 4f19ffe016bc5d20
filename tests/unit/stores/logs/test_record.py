"""Records: parsing is the inverse of formatting, and takes whatever is on the disk."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.stores.logs.record import PLATFORM, Record, format_record, parse_records

TIME = "2026-01-02T03:04:05.678901234Z"

records = st.builds(
    Record,
    time=st.just(TIME),
    stream=st.sampled_from(["stdout", "stderr", "platform"]),
    partial=st.booleans(),
    content=st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")),
)


@given(st.lists(records, max_size=20), st.binary(max_size=20))
def test_parsing_is_the_inverse_of_formatting(wanted: list[Record], rest: bytes) -> None:
    rest = rest.replace(b"\n", b"")
    data = b"".join(format_record(record) for record in wanted)
    assert parse_records(data + rest) == (wanted, len(data))


@given(st.lists(records, max_size=8), st.data())
def test_any_cut_can_be_gone_on_from(wanted: list[Record], data: st.DataObject) -> None:
    whole = b"".join(format_record(record) for record in wanted)
    cut = data.draw(st.integers(0, len(whole)))
    first, consumed = parse_records(whole[:cut])
    second, rest = parse_records(whole[consumed:])
    assert first + second == wanted
    assert consumed + rest == len(whole)


@given(st.binary())
def test_no_bytes_are_refused_or_lost(data: bytes) -> None:
    found, consumed = parse_records(data)
    assert len(found) == data.count(b"\n")
    assert b"\n" not in data[consumed:]


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (b"T stdout F ", Record("T", "stdout", False, b"")),
        (b"T stdout F", Record("T", "stdout", False, b"")),
        (b"T stderr P:later:tags  a b", Record("T", "stderr", True, b" a b")),
        (b"T stdout F \xff\x00\r", Record("T", "stdout", False, b"\xff\x00\r")),
        (b"T stdin F x", Record("", PLATFORM, False, b"T stdin F x")),
        (b"\xff stdout F x", Record("", PLATFORM, False, b"\xff stdout F x")),
        (b"T stdout X x", Record("", PLATFORM, False, b"T stdout X x")),
        (b"", Record("", PLATFORM, False, b"")),
    ],
)
def test_odd_lines(line: bytes, record: Record) -> None:
    assert parse_records(line + b"\n") == ([record], len(line) + 1)


def test_a_newline_cannot_be_smuggled_in() -> None:
    with pytest.raises(ValueError, match="newline"):
        format_record(Record(TIME, "stdout", False, b"a\nT stdout F forged"))


def test_the_module_imports_next_to_nothing() -> None:
    code = "import au2.stores.logs.record, sys; print(len(sys.modules), *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, *names = done.stdout.split()
    assert int(count) < 100
    assert not {"asyncio", "socket", "subprocess", "logging", "pydantic", "datetime"} & set(names)
