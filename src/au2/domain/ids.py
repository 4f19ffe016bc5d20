"""Identifiers: GUIDs (RFC 9562) in lower case."""

import re
import uuid

from au2.domain.errors import InvalidRequest

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def make_guid() -> str:
    """Return a new random GUID, lower case."""
    return str(uuid.uuid4())


def is_guid(text: str) -> bool:
    """Whether ``text`` is a GUID in any letter case."""
    return _GUID.fullmatch(text.lower()) is not None


def parse_guid(text: str) -> str:
    """Return ``text`` as a lower-case GUID.

    Raises:
        InvalidRequest: the text is no GUID.
    """
    lowered = text.strip().lower()
    if _GUID.fullmatch(lowered) is None:
        raise InvalidRequest(f"'{text}' is not a GUID.")
    return lowered
