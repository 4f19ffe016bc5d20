"""What one recipe adds to an image: its layers, and what is in them."""

from dataclasses import dataclass

from au2.oci import media_types
from au2.oci.descriptor import Descriptor
from au2.oci.mutate import AddedLayer
from au2.runtimes.packages import InstalledPackage


@dataclass(frozen=True, slots=True)
class PartLayer:
    """A layer in the blob store, uncompressed: its digest is its diff_id."""

    digest: str
    size_bytes: int
    created_by: str

    def to_added(self) -> AddedLayer:
        """Return it ready to be put on an image."""
        descriptor = Descriptor(media_types.LAYER_TAR, self.digest, self.size_bytes)
        return AddedLayer(descriptor, self.digest, self.created_by)


@dataclass(frozen=True, slots=True)
class Part:
    """The layers of a recipe without those of its base, lowest first."""

    layers: tuple[PartLayer, ...]
    packages: tuple[InstalledPackage, ...] = ()
    config: str = ""
    """Configuration of the image that a recipe starts from, as JSON; empty: there is none."""


def from_added(layer: AddedLayer) -> PartLayer:
    """Return a layer that was just stored."""
    return PartLayer(layer.diff_id, layer.descriptor.size_bytes, layer.created_by)
