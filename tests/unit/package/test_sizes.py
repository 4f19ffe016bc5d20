import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidRequest
from au2.package.sizes import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1024", 1024),
        ("1b", 1),
        ("2k", 2048),
        ("512MiB", 512 << 20),
        ("512mb", 512 << 20),
        ("512M", 512 << 20),
        (" 1.5 GiB ", 3 << 29),
        ("2t", 2 << 40),
        ("0.0001k", 1),
    ],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("2D", 172800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1e9", "5 parsecs", "m", "1..5", "\u0663", "nan"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a size"):
        parse_size(text)
    with pytest.raises(InvalidRequest, match="is not a duration"):
        parse_duration(text)


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert parse_size(text) > 0
