"""Processes: named programs with numbered versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from au2.domain.context import Context

NO_PROCESS: Final = "none"
"""Value of a client's expected process id for "none yet"."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process (specification, section 1). Names are not unique."""

    id: str
    name: str
    description: str
    """Markdown."""
    context: Context
    tags: tuple[str, ...]
    created_at: datetime
    created_by: str
    """Email address."""
    updated_at: datetime
    updated_by: str
