"""Where dependencies come from: what the operator's settings say."""

from dataclasses import dataclass, field
from pathlib import Path

PYTHON_INDEX = "https://pypi.org/simple/"
NPM_REGISTRY = "https://registry.npmjs.org/"


@dataclass(frozen=True, slots=True)
class Sources:
    """URLs may hold credentials, which never leave this process but for their own server."""

    indexes: tuple[str, ...] = (PYTHON_INDEX,)
    """Simple repositories, ``https:``, ``http:`` or ``file:``; those of more weight first."""
    find_links: tuple[str, ...] = ()
    """Folders (absolute paths or ``file:`` URLs) and pages that list files of many projects."""
    merge_indexes: bool = False
    """Whether a project's files are taken from all indexes, as pip does; else from the first that
    knows it, so that nobody can put a newer one of an internal name on a public index."""
    npm_registry: str = NPM_REGISTRY
    ca_file: Path | None = None
    """Certificates to trust; None: the system's."""
    proxy: str | None = None
    """None: as the environment says."""
    timeout_seconds: float = field(default=60.0)
    """Longest silence of a server."""
