"""Requirements of a ``requirements.txt``: records here, pip's grammar in the modules."""

from typing import NamedTuple


class Requirement(NamedTuple):
    """One distribution asked for."""

    name: str
    """Normalised (PEP 503)."""
    text: str
    """Name, extras, versions and marker in the form that ``packaging`` writes, without hashes."""
    hashes: tuple[str, ...] = ()
    """``sha256:…`` of the files that may be taken; empty: any."""


class Requirements(NamedTuple):
    """All requirements of a file and its included files."""

    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    no_binary: tuple[str, ...] = ()
    """Names that must be built from source, or ``:all:``."""
    only_binary: tuple[str, ...] = ()
    prereleases: bool = False
    require_hashes: bool = False
