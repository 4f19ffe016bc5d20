"""Blobs of images: found by process, by the digests of images, and for mounting."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from au2.app.registry.access import can_pull, context_of
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import BlobMissing, InvalidImage
from au2.domain.processes.repository import Repository, StoredBlob
from au2.oci.spec.digest import is_alias
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.registry_manifest import parse_referenced
from au2.stores.content.protocol import Provider
from au2.stores.database.content.layers import find_layer_blobs
from au2.stores.database.content.repository_blobs import list_holders, resolve_blobs
from au2.stores.database.content.roots import list_version_tags
from au2.stores.database.database import Database, Transaction
from au2.stores.database.runtimes import list_visible_images
from au2.stores.database.versions import list_images

_MOST_IMAGES = 4096


class ImageBlobs:
    """Search for images and their blobs. The references of recently read images are cached.

    Sizes are in bytes, by digest. Blobs may have left the blob store since: callers lease them.
    """

    def __init__(self, database: Database, blobs: Provider) -> None:
        self._database = database
        self._blobs = blobs
        self._sizes: OrderedDict[str, Mapping[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    def find_images(self, process_id: str, digests: Collection[str]) -> set[str]:
        """Images of the process's versions among ``digests``, on any platform."""
        if not digests:
            return set()
        found = set(digests).intersection(self._list_images(process_id))
        rest = set(digests) - found
        if not rest:
            return found
        with self._database.read() as transaction:
            # Digests of the indexes that versions were pushed with.
            indexes = list_version_tags(transaction, process_id)
        return found | self._find(indexes, rest).keys()

    def find_blobs(self, process_id: str, digests: Collection[str]) -> dict[str, int]:
        """Sizes of configurations and layers of the process's versions among ``digests``."""
        return self._find(self._list_images(process_id), digests) if digests else {}

    def find_mountable(
        self,
        transaction: Transaction,
        actor: Actor,
        repository: Repository,
        digests: Collection[str],
    ) -> dict[str, int]:
        """Sizes of the blobs among ``digests`` that need not be sent to ``repository``."""
        found = self.resolve_mountable(transaction, actor, repository, digests)
        return {digest: blob.size_bytes for digest, blob in found.items()}

    def resolve_mountable(
        self,
        transaction: Transaction,
        actor: Actor,
        repository: Repository,
        names: Collection[str],
    ) -> dict[str, StoredBlob]:
        """Blobs among ``names``, digests or aliases, that need not be sent to ``repository``.

        These are blobs of this repository, of another one in the organization that the actor may
        pull from, and blobs made by the platform for images that people pull and build on: layers
        of runtimes that may be used there, and of dependencies of packages that are visible there.
        """
        found = resolve_blobs(transaction, repository, names)
        found |= _find_held(transaction, actor, repository, set(names) - set(found))
        rest = {name for name in names if name not in found and not is_alias(name)}
        context = context_of(transaction, repository)
        if not rest or not actor.may(Action.VIEW_RUNTIME, context):
            return found
        sizes = self._find(list_visible_images(transaction, context), rest)
        sizes |= find_layer_blobs(transaction, context, rest - set(sizes))
        return found | {digest: StoredBlob(digest, size) for digest, size in sizes.items()}

    def _list_images(self, process_id: str) -> list[str]:
        """Images of the process's versions, the newest first: most requests are for its blobs."""
        with self._database.read() as transaction:
            return list_images(transaction, process_id)

    def _find(self, images: Iterable[str], digests: Collection[str]) -> dict[str, int]:
        """Sizes of blobs referenced by one of the images; of an index, its manifests."""
        found: dict[str, int] = {}
        wanted = set(digests)
        for image in images if wanted else ():
            sizes = self._sizes_of(image)
            here = wanted & sizes.keys()
            found |= {digest: sizes[digest] for digest in here}
            wanted -= here
            if not wanted:
                break
        return found

    def _sizes_of(self, image: str) -> Mapping[str, int]:
        with self._lock:
            if image in self._sizes:
                self._sizes.move_to_end(image)
                return self._sizes[image]
        try:
            data = self._blobs.read_bytes(image, limit_bytes=MAX_DOCUMENT_BYTES)
            found = parse_referenced(data)
            sizes = {
                one.digest: one.size_bytes
                for one in (*found.blobs, *found.manifests)
                if not is_alias(one.digest)
            }
        except (BlobMissing, InvalidImage):
            return {}  # Damaged: not cached, a repair may follow.
        with self._lock:
            self._sizes[image] = sizes
            while len(self._sizes) > _MOST_IMAGES:
                self._sizes.popitem(last=False)
        return sizes


def _find_held(
    transaction: Transaction, actor: Actor, repository: Repository, names: set[str]
) -> dict[str, StoredBlob]:
    """Blobs of other repositories that the actor may pull from."""
    found: dict[str, StoredBlob] = {}
    allowed: dict[Repository, bool] = {}
    holders = list_holders(transaction, repository.organization_id, names)
    for name, repositories in holders.items():
        for holder in repositories:
            if holder not in allowed:
                allowed[holder] = can_pull(transaction, actor, holder)
            if allowed[holder]:
                found |= resolve_blobs(transaction, holder, [name])
                break
    return found
