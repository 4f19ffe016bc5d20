"""What of a log reaches a terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.console.safe_log import SafeLog


def shown(*pieces: bytes) -> bytes:
    safe = SafeLog()
    return b"".join(map(safe.feed, pieces)) + safe.end()


@pytest.mark.parametrize(
    "data",
    [
        b"plain\n",
        b"\x1b[31mred\x1b[0m\n",
        b"\x1b[38;2;1;2;3mtrue colour\x1b[m",
        b"\x1b[4:3mcurly\x1b[0m",
        b" 10%\r 20%\x1b[K\r 30%",
        b"a\tb\bc",
        "\u00e4 \u65e5\u672c \U0001f468\u200d\U0001f469 \u2588".encode(),
    ],
)
def test_colours_and_progress_stay(data: bytes) -> None:
    assert shown(data) == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x1b]52;c;ZXZpbA==\x07", rb"\x1b]52;c;ZXZpbA==\x07"),
        (b"\x1b]0;title\x1b\\", rb"\x1b]0;title\x1b\ ".rstrip()),
        (b"\x1b[2J\x1b[H", rb"\x1b[2J\x1b[H"),
        (b"\x1b[6n", rb"\x1b[6n"),
        (b"\x1bP$qm\x1b\\", rb"\x1bP$qm\x1b\ ".rstrip()),
        (b"\x1b[?1049h", rb"\x1b[?1049h"),
        (b"\x1b[" + b"1;" * 40 + b"m", rb"\x1b[" + b"1;" * 40 + b"m"),
        (b"\xc2\x9b2J", rb"\x9b2J"),
        (b"\x9b2J", rb"\x9b2J"),
        (b"\xff\xfe", rb"\xff\xfe"),
        ("a\u202eb\u2066".encode(), rb"a\u202eb\u2066"),
        (b"\x00\x0e\x7f", rb"\x00\x0e\x7f"),
        (b"\x1b", rb"\x1b"),
        (b"end\x1b[3", rb"end\x1b[3"),
        (b"\xe6\x97", rb"\xe6\x97"),
    ],
)
def test_all_else_is_written_out(data: bytes, expected: bytes) -> None:
    assert shown(data) == expected


PARTS = [b"\x1b", b"[", b"31", b";", b"m", b"K", b"J", b"]", b"x", b"\xc3", b"\xa4"]


@given(st.lists(st.sampled_from(PARTS)))
def test_wherever_it_is_cut(parts: list[bytes]) -> None:
    assert shown(*parts) == shown(b"".join(parts))


@given(st.binary() | st.lists(st.sampled_from(PARTS)).map(b"".join))
def test_nothing_else_steers_a_terminal(data: bytes) -> None:
    text = re.sub(r"\x1b\[[0-9;:]*[mK]", "", shown(data).decode())
    assert re.findall(r"[^\n\r\t\b\x20-\x7e\xa0-\U0010ffff]", text) == []
