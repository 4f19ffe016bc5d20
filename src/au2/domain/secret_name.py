"""What a secret may be called, and how one is asked for. Light: the command line imports it."""

import re
from typing import Any, Final

REFERENCE_KEY: Final = "secret"
"""``{"secret": NAME}`` in the place of a variable's value asks for the secret of that name."""
VALUE_BYTES: Final = 64 << 10
"""Longest value: with a name before it, it fits into one variable of the kernel."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", re.ASCII)


def find_secret_name_mistake(name: str) -> str | None:
    """Say what is wrong with a secret's name; None if nothing is."""
    if _NAME.fullmatch(name):
        return None
    return (
        f"'{name[:200]}' is no name for a secret: up to 200 letters, digits, '_', '-' and '.', "
        "not '-' or '.' first"
    )


def secret_of(value: Any) -> str | None:
    """Return the name of the secret that a variable's value asks for; None: it is a plain text."""
    return value.get(REFERENCE_KEY) if isinstance(value, dict) else None
