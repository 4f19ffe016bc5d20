from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.client.http.server_sent_events import Event, parse_events


def events(data: bytes) -> list[Event]:
    return list(parse_events(BytesIO(data)))


def test_fields() -> None:
    data = b": hi\n\nevent: log\nid: 5\ndata: a\ndata:b\n\ndata: c\n\n"

    assert events(data) == [Event("log", "a\nb", "5"), Event("message", "c", "5")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends(end: bytes) -> None:
    assert events(end.join([b"event: end", b"data: {}", b"", b""])) == [Event("end", "{}", None)]


def test_an_event_that_is_cut_off_is_dropped() -> None:
    whole = b"event: log\nid: 5\ndata: abc\n\n"

    for length in range(len(whole)):
        assert events(whole[:length]) == []


@given(st.binary())
def test_no_bytes_break_it(data: bytes) -> None:
    events(data)
