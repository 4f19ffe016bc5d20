"""A process: a name that holds versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from au2.domain.context import Context

NO_PROCESS: Final = "none"
"""Stands where a client says which process it knows of: there is none."""


@dataclass(frozen=True, slots=True)
class Process:
    """Spec section 1. The name is not unique."""

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
