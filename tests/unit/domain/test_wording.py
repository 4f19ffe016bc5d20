from datetime import UTC, datetime, timedelta

import pytest

from au2.domain.wording import (
    as_sentence,
    format_age,
    format_bytes,
    format_bytes_apart,
    format_seconds,
    format_seconds_roughly,
)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "0.977 KiB"),
        (1536, "1.5 KiB"),
        (10 << 20, "10 MiB"),
        (256 << 30, "256 GiB"),
        (5000 << 40, "4.88 PiB"),
    ],
)
def test_sizes(size_bytes: int, text: str) -> None:
    assert format_bytes(size_bytes) == text


def test_sizes_that_differ_look_different() -> None:
    assert format_bytes_apart((10 << 20) + 1, 10 << 20) == ("10485761 bytes", "10485760 bytes")
    assert format_bytes_apart(12 << 20, 10 << 20) == ("12 MiB", "10 MiB")
    assert format_bytes_apart(1, 1) == ("1 byte", "1 byte")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (0.004, "0 s"),
        (0.254, "0.25 s"),
        (2.5, "2.5 s"),
        (12.34, "12.3 s"),
        (59.96, "60 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (3600, "1 h"),
        (86_400 + 3661, "1 d 1 h 1 min 1 s"),
        (30 * 86_400, "30 d"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_sentences() -> None:
    assert as_sentence("it is gone") == as_sentence("It is gone.") == "It is gone."


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "1 s"), (59, "59 s"), (170, "3 min"), (7500, "2 h 5 min")]
)
def test_rough_times(seconds: float, shown: str):
    assert format_seconds_roughly(seconds) == shown


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=4), "now"),
        (timedelta(seconds=-4), "now"),
        (timedelta(seconds=40.9), "40 s ago"),
        (timedelta(minutes=5, seconds=59), "5 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=3, hours=23), "3 d ago"),
        (timedelta(days=250), "8 months ago"),
        (timedelta(days=3650), "9 years ago"),
        (-timedelta(days=89, hours=23), "in 89 d"),
    ],
    ids=str,
)
def test_an_age_is_told_in_one_unit(passed: timedelta, text: str) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)

    assert format_age(now - passed, now) == text
