"""Digests of files as npm's locks write them (W3C subresource integrity)."""

import base64
import re

_ALGORITHMS = {"sha512": 64, "sha384": 48, "sha256": 32, "sha1": 20}
"""Bytes of a digest; the strongest first: of several, only the strongest count."""
_DIGEST = re.compile(r"([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?.*)?", re.ASCII)


def is_integrity(value: object) -> bool:
    """Whether the value is a usable digest."""
    return isinstance(value, str) and bool(parse_integrity(value)[1])


def parse_integrity(text: str) -> tuple[str, frozenset[str]]:
    """Return the strongest algorithm, and the allowed digests in hexadecimal.

    The set is empty if the text has no known and whole digest.
    """
    found: dict[str, set[str]] = {}
    for part in text.split():
        digest = _DIGEST.fullmatch(part)
        if digest is not None and digest[1] in _ALGORITHMS:
            found.setdefault(digest[1], set()).update(_decode(digest[2], _ALGORITHMS[digest[1]]))
    strongest = next((name for name in _ALGORITHMS if found.get(name)), "sha512")
    return strongest, frozenset(found.get(strongest, ()))


def _decode(text: str, size_bytes: int) -> list[str]:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return []
    return [data.hex()] if len(data) == size_bytes else []
