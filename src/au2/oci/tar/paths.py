"""Paths inside an archive: relative, ``/``-separated, without ``.`` and ``..``."""

from au2.domain.errors import InvalidImage

MAX_PATH_BYTES = 4095
"""Linux takes no longer path (PATH_MAX with its NUL)."""
MAX_NAME_BYTES = 255
"""No usual file system takes a longer name."""


def clean_path(path: str) -> str:
    """Return ``path`` relative to the root of the archive, normalised; ``""`` for the root.

    A leading ``/`` and ``./`` are dropped, as every image tool does. Bytes outside UTF-8 are held
    as lone surrogates (``surrogateescape``), as Python does for file names.

    Raises:
        InvalidImage: climbs out, holds a NUL, or is longer than systems allow.
    """
    if "\0" in path:
        raise InvalidImage(f"the path {shown(path)} holds a NUL")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise InvalidImage(f"the path {shown(path)} climbs out of the archive")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    cleaned = "/".join(parts)
    _check_lengths(cleaned, parts)
    return cleaned


def parent_paths(path: str) -> list[str]:
    """Return the folders above a clean path, highest first, without the root."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def shown(path: str) -> str:
    """Return the path for error messages: escaped and shortened."""
    return repr(path if len(path) <= 200 else path[:200] + "…")


def _check_lengths(path: str, parts: list[str]) -> None:
    # A character takes at most four bytes: most paths need no encoding to be known as short.
    if len(path) * 4 <= MAX_NAME_BYTES:
        return
    if len(path.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
        raise InvalidImage(f"the path {shown(path)} is longer than {MAX_PATH_BYTES} bytes")
    if any(len(part.encode("utf-8", "surrogateescape")) > MAX_NAME_BYTES for part in parts):
        raise InvalidImage(f"a name in {shown(path)} is longer than {MAX_NAME_BYTES} bytes")
