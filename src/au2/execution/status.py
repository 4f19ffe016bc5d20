"""What the code says of itself while it runs: text and progress."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from au2.domain.json_value import find_json_mistake

STATUS_LIMIT_BYTES = 64 << 10
_MAX_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Status:
    """Status text and progress (0 to 1); None: not said."""

    text: str | None = None
    progress: float | None = None


def parse_status(content: bytes, mask: Callable[[str], str]) -> Status | None:
    """Return what a status file says, or None while it is not (yet) valid JSON.

    ``{"text": …, "progress": …}``, both optional. What is of the wrong type counts as not said:
    a status is a courtesy and never fails a job. ``mask`` covers secrets: before a long text is
    cut, since half of a secret is not found.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or find_json_mistake(document):
        return None
    text = document.get("text")
    return Status(
        mask(text)[:_MAX_TEXT] if isinstance(text, str) else None,
        _parse_progress(document.get("progress")),
    )


def _parse_progress(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Bounded first: a whole number may be too large for a float.
    return float(min(1, max(0, value)))
