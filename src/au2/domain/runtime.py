"""A runtime: a base image that packages are built on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True, slots=True)
class RuntimeBuild:
    """One version of a runtime, with what it was made from and what is in it."""

    version: int
    image_digest: str
    recipe_digest: str
    packages: tuple[Mapping[str, Any], ...]
    created_at: datetime
