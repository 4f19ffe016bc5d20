"""Aware times in UTC, and their RFC 3339 text."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Return the RFC 3339 text of a time, with microseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Return the time of RFC 3339 ``text``; inverse of :func:`format_time`."""
    return datetime.fromisoformat(text).astimezone(UTC)
