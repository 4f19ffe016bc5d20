"""Counts, sizes, times and sentences as text for people."""

import math
from typing import Final

_SIZE_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_TIME_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_MINUTE_SECONDS: Final = 60


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
