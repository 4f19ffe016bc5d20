"""Names of secrets and references to them. Few imports, for the command line's start-up."""

import re
from typing import Any, Final

REFERENCE_KEY: Final = "secret"
"""Key of a reference: ``{"secret": NAME}`` in place of a variable's value."""
VALUE_BYTES: Final = 64 << 10
"""Longest value; fits into one environment variable of the kernel, with its name."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", re.ASCII)


def find_secret_name_error(name: str) -> str | None:
    """Return the error of a secret's name; None for a valid one."""
    if _NAME.fullmatch(name):
        return None
    return (
        f"'{name[:200]}' is no name for a secret: up to 200 letters, digits, '_', '-' and '.', "
        "not '-' or '.' first"
    )


def secret_of(value: Any) -> str | None:
    """Return the secret's name of a reference; None for a plain text."""
    return value.get(REFERENCE_KEY) if isinstance(value, dict) else None
