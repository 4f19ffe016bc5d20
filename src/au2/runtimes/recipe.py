"""Recipe of a runtime: declarative description of its image."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from au2.domain.jobs.container_contract import Language
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import format_document

_FORMAT = 2
"""Grows when the same recipe begins to give another image, so that caches notice."""
_PYTHON_FORMAT = 2
"""The same for recipes with Python packages."""


@dataclass(frozen=True, slots=True)
class DebianSource:
    """A root file system made of Debian packages."""

    suite: str
    packages: tuple[str, ...]
    after_install: tuple[str, ...] = ()
    """Shell commands run inside, as root, once the packages are there."""


@dataclass(frozen=True, slots=True)
class TarballSource:
    """A root file system in an archive of the operator."""

    tarball: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image in a registry."""

    reference: str
    """For :func:`au2.oci.spec.reference.parse_reference`; with a digest it never changes."""


@dataclass(frozen=True, slots=True)
class BaseSource:
    """Another runtime, whose layers are shared."""

    name: str
    """Name or id of a runtime in the catalogue or in the installation."""


Source = DebianSource | TarballSource | ImageSource | BaseSource


@dataclass(frozen=True, slots=True)
class PythonPackages:
    """Python packages to install as wheels; none of their code runs while building."""

    requirements: tuple[str, ...]
    refuse: tuple[str, ...] = ()
    """Patterns of package names that must not be installed (``nvidia-*``)."""
    interpreter: str = "python3"
    """The runtime's Python: a path, or a name on the runtime's PATH."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Description of a runtime: identity, source of its files, packages and environment."""

    id: str
    """GUID, the same in every installation."""
    name: str
    language: Language
    version: int
    """Version number of the first build."""
    source: Source
    python: PythonPackages | None = None
    organization_id: str | None = None
    """Owner; None: every organization may use the runtime."""
    project_id: str | None = None
    command: tuple[str, ...] = ()
    """Command of the runtime's image itself, for `docker run`."""
    reset_signals: str = ""
    """See :data:`au2.domain.jobs.container_contract.RESET_SIGNALS_LABEL`."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links to add: absolute path → target."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of all that determines the image."""
        document = asdict(self)
        # The owner does not change the image.
        del document["organization_id"], document["project_id"]
        document["source"]["kind"] = type(self.source).__name__
        if isinstance(self.source, TarballSource):
            del document["source"]["tarball"]
        formats = {"format": _FORMAT}
        if self.python is not None:
            formats["python_format"] = _PYTHON_FORMAT
        return sha256_of(format_document({**formats, "recipe": document}))
