"""Events: the entries of the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PLATFORM = "platform"
"""Actor of an event that no person caused."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the audit trail: actor, action, subject, time."""

    at: datetime
    actor: str
    action: str
    subject: str
    organization_id: str | None
    data: Mapping[str, Any]
