"""Counts, sizes, times and sentences as text for people."""

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_SIZE_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_TIME_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_MINUTE_SECONDS: Final = 60
_NOW_SECONDS: Final = 5
"""Clocks of two machines differ by so much; a record made just now is not from the future."""
_AGE_UNITS: Final = (
    (2 * 31_556_952, 31_556_952, "years"),
    (100 * 86_400, 2_629_746, "months"),
    (86_400, 86_400, "d"),
    (3600, 3600, "h"),
    (60, 60, "min"),
    (0, 1, "s"),
)
"""Least seconds for a unit, its seconds, and its word."""


def count_of(number: int, noun: str, nouns: str | None = None) -> str:
    """Return "1 item", "2 items". ``nouns`` is an irregular plural or a phrase."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"


def as_sentence(text: str) -> str:
    """Return the text with a capital first letter and one full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def format_bytes(size_bytes: float) -> str:
    """Return a size with its unit, in powers of 1024, with three digits: ``1.5 GiB``."""
    if size_bytes == 1:
        return "1 byte"
    unit = 0
    while size_bytes >= 1000 and unit < len(_SIZE_UNITS) - 1:
        size_bytes /= 1024
        unit += 1
    number = f"{size_bytes:.0f}" if unit == 0 or size_bytes >= 1000 else f"{size_bytes:.3g}"
    return f"{number} {_SIZE_UNITS[unit]}"


def format_bytes_apart(first_bytes: int, second_bytes: int) -> tuple[str, str]:
    """Return two sizes with their units, in bytes if their texts were equal otherwise."""
    first, second = format_bytes(first_bytes), format_bytes(second_bytes)
    if first == second and first_bytes != second_bytes:
        return f"{first_bytes} bytes", f"{second_bytes} bytes"
    return first, second


def format_seconds(seconds: float) -> str:
    """Return a length of time with its units: ``0.25 s``, ``1 min 30 s``, ``2 d``.

    Whole seconds from a minute on.
    """
    if not math.isfinite(seconds):
        return f"{seconds:g} s"
    if seconds < _MINUTE_SECONDS:
        return f"{max(0.0, round(seconds, 2)):.3g} s"
    rest, parts = round(seconds), []
    for size, unit in _TIME_UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def format_seconds_roughly(seconds: float) -> str:
    """Return an estimated length of time: ``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < _MINUTE_SECONDS:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_age(moment: "datetime", now: "datetime") -> str:
    """Return the distance of ``moment`` from ``now``, in one unit, rounded down.

    ``now``, ``40 s ago``, ``5 min ago``, ``2 h ago``, ``3 d ago``, ``8 months ago``; of a time to
    come: ``in 89 d``.
    """
    passed = (now - moment).total_seconds()
    seconds = abs(passed)
    if seconds < _NOW_SECONDS:
        return "now"
    size, unit = next((size, unit) for least, size, unit in _AGE_UNITS if seconds >= least)
    length = f"{int(seconds // size)} {unit}"
    return f"{length} ago" if passed > 0 else f"in {length}"
