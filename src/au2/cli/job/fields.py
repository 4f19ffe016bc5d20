"""What is shown of a job."""

import json
from datetime import datetime

from au2.console.cells import Document, columns


def _phases(document: Document) -> str:
    """One line per phase, one paragraph per attempt."""
    return "\n\n".join(
        "\n".join(_phase(phase) for phase in attempt["phases"])
        for attempt in document["attempts"]
        if attempt["phases"]
    )


def _phase(phase: Document) -> str:
    if phase["ended_at"] is None:
        return f"{phase['name']}: since {phase['started_at']}"
    begun = datetime.fromisoformat(phase["started_at"])
    seconds = (datetime.fromisoformat(phase["ended_at"]) - begun).total_seconds()
    return f"{phase['name']}: {seconds:.3f} s"


def _attempts(document: Document) -> int:
    return len(document["attempts"])


def _used(document: Document) -> str:
    if not document["attempts"]:
        return ""
    return _lines(document["attempts"][-1]["used"])


def _lines(values: Document | None) -> str:
    return "\n".join(f"{name}: {_brief(value)}" for name, value in (values or {}).items())


def _brief(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(document: Document) -> str:
    """What follows the room that the type names first."""
    return str(document["type"]).rpartition(":")[2]


def _created_at(document: Document) -> str:
    """To the second, and with a blank that a narrow table can fold it at."""
    return f"{datetime.fromisoformat(document['created_at']):%Y-%m-%d %H:%M:%SZ}"


LIST = columns(
    "id",
    type=_kind,
    state="state",
    reason="reason",
    name="name",
    version="version",
    exit_code="exit_code",
    created_at=_created_at,
)
"""What goes beside each other in 100 columns; the rest is in the record."""
RECORD = columns(
    "id",
    "type",
    "state",
    "reason",
    "reason_text",
    "name",
    "process",
    "version",
    "organization",
    "project",
    "submitted_by",
    "created_at",
    "started_at",
    "ended_at",
    "exit_code",
    "status_text",
    "progress",
    "stop_requested_at",
    version_choice=lambda document: (document.get("version_choice") or {}).get("text"),
    attempts=_attempts,
    phases=_phases,
    arguments="arguments",
    environment=lambda document: _lines(document["environment"]),
    secrets=lambda document: _lines(document["secrets"]),
    resources=lambda document: _lines(document["resources"]),
    used=_used,
    output="output",
)
