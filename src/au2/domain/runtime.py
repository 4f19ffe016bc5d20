"""Runtimes: base images of packages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.domain.context import Context
from au2.domain.language import Language


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime at its newest version (specification, section 1). ``context`` None: global."""

    id: str
    name: str
    language: Language
    version: int
    image_digest: str
    context: Context | None
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuntimeBuild:
    """One version of a runtime, with its recipe and its installed packages."""

    version: int
    image_digest: str
    recipe_digest: str
    packages: tuple[Mapping[str, Any], ...]
    created_at: datetime
