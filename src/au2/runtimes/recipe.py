"""A recipe: what a runtime is and what its image is made of."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from au2.domain.language import Language
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import format_document

_FORMAT = 2
"""Grows when the same recipe begins to give another image, so that caches notice."""


@dataclass(frozen=True, slots=True)
class DebianSource:
    """A root file system made of Debian packages."""

    suite: str
    packages: tuple[str, ...]
    after_install: tuple[str, ...] = ()
    """Shell commands run inside, as root, once the packages are there."""


@dataclass(frozen=True, slots=True)
class TarballSource:
    """A root file system that somebody made."""

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
    """Name or id: of the catalogue, else of what the installation has."""


Source = DebianSource | TarballSource | ImageSource | BaseSource


@dataclass(frozen=True, slots=True)
class PythonPackages:
    """What is added to a runtime's Python, as wheels: no code of a package runs while building."""

    requirements: tuple[str, ...]
    refuse: tuple[str, ...] = ()
    """Patterns of package names that must not come along (``nvidia-*``)."""
    interpreter: str = "python3"
    """The Python inside: a path, or a name to be found on the runtime's PATH."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a runtime is and where its files come from."""

    id: str
    """GUID, the same in every installation."""
    name: str
    language: Language
    version: int
    """Version number of the first build."""
    source: Source
    python: PythonPackages | None = None
    organization_id: str | None = None
    """Owner; None: everybody's."""
    project_id: str | None = None
    command: tuple[str, ...] = ()
    """What `docker run` of the runtime's image itself starts."""
    reset_signals: str = ""
    """See :data:`au2.runtimes.labels.RESET_SIGNALS`."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links to add: absolute path → target."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Digest of everything that the image depends on, as far as the recipe says it."""
        document = asdict(self)
        # Whose it is does not change what it is.
        del document["organization_id"], document["project_id"]
        document["source"]["kind"] = type(self.source).__name__
        if isinstance(self.source, TarballSource):
            del document["source"]["tarball"]
        return sha256_of(format_document({"format": _FORMAT, "recipe": document}))
