"""Time: always aware, always UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Return RFC 3339 text with microseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Return the aware UTC time of RFC 3339 ``text``; inverse of :func:`format_time`."""
    return datetime.fromisoformat(text).astimezone(UTC)
