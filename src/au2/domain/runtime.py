"""A runtime: a base image that packages are built on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from au2.domain.context import Context


class Language(StrEnum):
    """The languages of entry points."""

    PYTHON = "python"
    SHELL = "shell"
    JAVASCRIPT = "javascript"
    R = "r"

    @property
    def entry_point(self) -> str:
        """The default name of the entry point."""
        endings = {"python": "py", "shell": "sh", "javascript": "js", "r": "r"}
        return f"main.{endings[self.value]}"


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
