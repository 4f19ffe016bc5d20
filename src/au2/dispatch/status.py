"""What the code says of itself while it runs: text and progress."""

import json
import math
from dataclasses import dataclass

STATUS_LIMIT_BYTES = 64 << 10
_MAX_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Status:
    """Status text and progress (0 to 1); None: not said."""

    text: str | None = None
    progress: float | None = None


def parse_status(content: bytes) -> Status | None:
    """Return what a status file says, or None while it is not (yet) valid JSON.

    ``{"text": …, "progress": …}``, both optional. What is of the wrong type counts as not said:
    a status is a courtesy and never fails a job.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    text = document.get("text")
    return Status(
        text[:_MAX_TEXT] if isinstance(text, str) else None,
        _parse_progress(document.get("progress")),
    )


def _parse_progress(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return min(1.0, max(0.0, float(value)))
