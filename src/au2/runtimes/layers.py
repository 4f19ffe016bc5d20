"""Layers that one recipe adds to an image, and the packages in them."""

from dataclasses import dataclass

from au2.oci.spec import media_types
from au2.oci.spec.image import AddedLayer
from au2.oci.spec.manifest import Descriptor

PYTHON = "python"
"""Kind of packages that are wheels."""


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package of the distribution or of a language."""

    name: str
    version: str
    architecture: str
    """Of a Debian package; of a Python package, the tags of its wheel."""
    sha256: str
    """Digest of the package's archive; empty: unknown."""
    kind: str = "debian"


def parse_packages(text: str) -> tuple[InstalledPackage, ...]:
    """Return the packages in the output of ``apt-cache show``, sorted by name."""
    found = set()
    for stanza in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " "
        )
        if "Package" in fields:
            found.add(
                InstalledPackage(
                    fields["Package"],
                    fields.get("Version", ""),
                    fields.get("Architecture", ""),
                    fields.get("SHA256", ""),
                )
            )
    return tuple(sorted(found, key=lambda package: (package.name, package.version)))


@dataclass(frozen=True, slots=True)
class RuntimeLayer:
    """A layer in the content store, uncompressed: its digest is its diff ID."""

    digest: str
    size_bytes: int
    created_by: str

    def to_added(self) -> AddedLayer:
        """Return the layer for an image."""
        descriptor = Descriptor(media_types.LAYER_TAR, self.digest, self.size_bytes)
        return AddedLayer(descriptor, self.digest, self.created_by)


@dataclass(frozen=True, slots=True)
class RuntimeLayers:
    """The layers of a recipe without those of its base, lowest first."""

    layers: tuple[RuntimeLayer, ...]
    packages: tuple[InstalledPackage, ...] = ()
    config: str = ""
    """Configuration of the recipe's source image, as JSON; empty: it has none."""


def from_added(layer: AddedLayer) -> RuntimeLayer:
    """Return a layer that was stored."""
    return RuntimeLayer(layer.diff_id, layer.descriptor.size_bytes, layer.created_by)
