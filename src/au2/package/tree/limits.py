"""Limits of a package's size, and of the number of errors reported at once."""

from typing import NamedTuple

PATH_BYTES = 1024
"""Longest path; well below ``PATH_MAX`` so that it still fits below an engine's own folders."""
NAME_BYTES = 255
"""Longest single name (``NAME_MAX`` of every Linux file system)."""
TEXT_BYTES = 1 << 20
"""Largest YAML file of a package."""
LOCK_BYTES = 8 << 20
"""Largest lock file: npm's are long."""
MOST_MISTAKES = 100
"""Mistakes told at once; what comes after is counted only."""


class PackageLimits(NamedTuple):
    """Limits of one package. The server's come from its settings."""

    files: int = 100_000
    total_bytes: int = 10 << 30


DEFAULT_LIMITS = PackageLimits()
