"""A runtime: a base image that packages are built on."""

from dataclasses import dataclass
from datetime import datetime

from au2.domain.context import Context
from au2.domain.language import Language


@dataclass(frozen=True, slots=True)
class Runtime:
    """Spec section 1, at its newest version. ``context`` None: global."""

    id: str
    name: str
    language: Language
    version: int
    image_digest: str
    context: Context | None
    created_at: datetime
    retired_at: datetime | None = None
