"""References of manifests to blobs of the content store, without aliases and absent layers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from au2.oci.spec.digest import is_alias
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.registry_manifest import ReferencedDescriptors
from au2.stores.database.content import roots
from au2.stores.database.content.roots import ImageRoot
from au2.stores.database.database import Transaction


@dataclass(frozen=True, slots=True)
class ReferenceResolver:
    """Resolver of the descriptors of pushed manifests."""

    aliases: Mapping[str, str]
    """Digests by aliases."""
    absent_layers: Mapping[str, frozenset[str]]
    """Absent non-distributable layers by the digest of the manifest."""

    def resolve(self, root: ImageRoot, referenced: ReferencedDescriptors) -> ReferencedDescriptors:
        """Return the descriptors with digests in place of aliases; unknown aliases stay.

        Absent layers of an image that no container runs are left out.
        """
        absent = frozenset() if root.is_run else self.absent_layers.get(root.digest, frozenset())
        return ReferencedDescriptors(
            blobs=tuple(
                self._resolve(blob)
                for position, blob in enumerate(referenced.blobs)
                if position == 0 or blob.digest not in absent
            ),
            manifests=tuple(map(self._resolve, referenced.manifests)),
        )

    def _resolve(self, descriptor: Descriptor) -> Descriptor:
        if not is_alias(descriptor.digest):
            return descriptor
        return replace(descriptor, digest=self.aliases.get(descriptor.digest, descriptor.digest))


def make_resolver(transaction: Transaction) -> ReferenceResolver:
    """Return the resolver for what the database knows now."""
    return ReferenceResolver(roots.find_aliases(transaction), roots.find_absent_layers(transaction))
