"""Packages of the extra ``server``, missing where au2 was installed for its client only."""

import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import unquote, urlsplit

from au2.domain.errors import Unsupported

_EXTRA = "server"


def describe_missing(error: ModuleNotFoundError, source: str | None = None) -> Unsupported:
    """Return the error for a missing module, with the command that installs all of them.

    Args:
        error: raised by the import.
        source: wheel or folder that au2 was installed from; None: as the installer recorded it.
    """
    named = source or find_source() or "FILE"
    command = shlex.join([sys.executable, "-m", "pip", "install", f"{named}[{_EXTRA}]"])
    hint = f"Install them: {command}"
    if named == "FILE":
        hint += " (FILE: the wheel or the folder of the sources that au2 was installed from)"
    return Unsupported(
        "au2 was installed without the packages that a server needs "
        f"('{error.name}' is missing first).",
        hint=hint,
    )


def find_source() -> str | None:
    """Return the wheel or folder that au2 was installed from (PEP 610), if it was a file."""
    try:
        text = distribution("au2").read_text("direct_url.json")
        url = urlsplit(json.loads(text or "{}")["url"])
    except (PackageNotFoundError, ValueError, TypeError, KeyError):
        return None
    return unquote(url.path) if url.scheme == "file" else None
