"""Secrets: records without values, and the environment of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.domain.accounts.context import Context
from au2.domain.accounts.secret_name import secret_of


@dataclass(frozen=True, slots=True)
class Secret:
    """Record of a secret, without its value."""

    id: str
    name: str
    """Unique in its context; a project's own wins over its organization's of the same name."""
    context: Context
    description: str
    has_value: bool
    """Whether a value was ingested."""
    size_bytes: int
    """Length of the value; for checks, never shown."""
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class WantedEnvironment:
    """Environment of a run, without the platform's own variables."""

    texts: Mapping[str, str]
    secrets: Mapping[str, str]
    """Secret's name by variable."""


def merge_environment(
    defaults: Mapping[str, Any] | None,
    given: Mapping[str, str],
    given_secrets: Mapping[str, str],
) -> WantedEnvironment:
    """Return the environment of a run: ``env.yml``, overridden by the submission."""
    texts: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for name, value in (defaults or {}).items():
        secret = secret_of(value)
        if secret is None:
            texts[name] = value
        else:
            secrets[name] = secret
    for name, text in given.items():
        secrets.pop(name, None)
        texts[name] = text
    for name, secret in given_secrets.items():
        texts.pop(name, None)
        secrets[name] = secret
    return WantedEnvironment(texts, secrets)
