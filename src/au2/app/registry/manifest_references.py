"""References of a pushed manifest: every blob and manifest that it names must be stored before."""

from collections.abc import Collection

from au2.app.registry.blobs import RepositoryBlobs
from au2.app.registry.images import VersionImages
from au2.domain.errors import InvalidImage, NotFound
from au2.domain.repository import Repository
from au2.oci.spec.media_types import FOREIGN_LAYERS
from au2.oci.spec.registry_manifest import RegistryManifest
from au2.stores.content.protocol import IngesterProvider
from au2.stores.database.content import repositories
from au2.stores.database.database import Database

_FOREIGN_HINT = (
    "It is a non-distributable layer, which clients leave out: name this registry in the Docker "
    "daemon's allow-nondistributable-artifacts, or build the image with ordinary layers."
)


class ManifestReferences:
    """Check of the descriptors in manifests that are pushed to repositories."""

    def __init__(
        self,
        database: Database,
        blobs: IngesterProvider,
        images: VersionImages,
        repository_blobs: RepositoryBlobs,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._images = images
        self._repository_blobs = repository_blobs

    def ensure_complete(self, repository: Repository, manifest: RegistryManifest) -> None:
        """Refuse a manifest unless the repository has every blob and manifest that it names.

        Raises:
            NotFound: a blob or manifest is missing.
            InvalidImage: a blob has another size than its descriptor states.
        """
        found = self._repository_blobs.find_all(repository, {b.digest for b in manifest.blobs})
        for blob in manifest.blobs:
            digest, size_bytes = blob.digest, blob.size_bytes
            if digest not in found:
                raise NotFound(
                    f"The blob {digest} has not come yet: send it first.",
                    hint=_FOREIGN_HINT if blob.media_type in FOREIGN_LAYERS else None,
                )
            if found[digest] != size_bytes:
                raise InvalidImage(
                    f"the blob {digest} has {found[digest]} bytes, not {size_bytes} bytes"
                )
        # Asked for here, they are not taken for unused; linked, they are pulled from here.
        self._repository_blobs.link(repository, found)
        children = dict.fromkeys(child.digest for child in manifest.manifests)
        known = self._find_known(repository, children)
        for child in children:
            if child not in known or not self._blobs.lease(child):
                raise NotFound(f"The manifest {child} has not come yet: send it first.")

    def _find_known(self, repository: Repository, digests: Collection[str]) -> set[str]:
        """Those that were pushed here, or are images of the process's versions."""
        with self._database.read() as transaction:
            found = repositories.find_manifests(transaction, repository, digests)
        if repository.process_id is not None:
            found |= self._images.find_images(repository.process_id, set(digests) - found)
        return found
