"""Blobs of images: found by the images' digests, by process, and for mounting."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from au2.app.registry.access import ensure_may_use
from au2.domain.context import Context
from au2.domain.errors import BlobMissing, InvalidImage, RepositoryUnknown
from au2.domain.identity import Action, Actor
from au2.domain.repository import Repository
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.registry_manifest import parse_referenced
from au2.stores.content.protocol import Provider
from au2.stores.database.content.layers import find_layer_blobs
from au2.stores.database.content.repositories import find_repository_blobs, list_holders
from au2.stores.database.content.roots import list_version_tags
from au2.stores.database.database import Database, Transaction
from au2.stores.database.processes import find_process
from au2.stores.database.runtimes import list_visible_images
from au2.stores.database.versions import list_images

_MOST_IMAGES = 4096


class ImageContents:
    """Finds blobs in images, by the digests of their manifests."""

    def __init__(self, blobs: Provider) -> None:
        self._blobs = blobs
        self._sizes: OrderedDict[str, Mapping[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, images: Iterable[str], digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of those blobs that are configurations or layers of one of the images.

        Of an index: of those manifests that it lists.
        """
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
            sizes = {one.digest: one.size_bytes for one in (*found.blobs, *found.manifests)}
        except (BlobMissing, InvalidImage):
            return {}  # Damaged: not cached, a repair may follow.
        with self._lock:
            self._sizes[image] = sizes
            while len(self._sizes) > _MOST_IMAGES:
                self._sizes.popitem(last=False)
        return sizes


class VersionImages:
    """Finds images and blobs of processes."""

    def __init__(self, database: Database, contents: ImageContents) -> None:
        self._database = database
        self._contents = contents

    def has_image(self, process_id: str, digest: str) -> bool:
        """Whether this is an image of one of the process's versions."""
        return bool(self.find_images(process_id, {digest}))

    def find_images(self, process_id: str, digests: Collection[str]) -> set[str]:
        """Those that are images of the process's versions, on whatever platform."""
        if not digests:
            return set()
        found = set(digests).intersection(self._list_images(process_id))
        rest = set(digests) - found
        indexes = self._list_indexes(process_id) if rest else ()
        return found | self._contents.find(indexes, rest).keys()

    def find_blobs(self, process_id: str, digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of those that are configurations or layers of one of the versions."""
        # The newest is what is asked for most.
        return self._contents.find(self._list_images(process_id) if digests else (), digests)

    def _list_indexes(self, process_id: str) -> list[str]:
        """What the versions were pushed with, if that is not just their image."""
        with self._database.read() as transaction:
            return list_version_tags(transaction, process_id)

    def _list_images(self, process_id: str) -> list[str]:
        with self._database.read() as transaction:
            return list_images(transaction, process_id)


class MountableBlobs:
    """Search for blobs that need not be sent again."""

    def __init__(self, contents: ImageContents) -> None:
        self._contents = contents

    def find(
        self,
        transaction: Transaction,
        actor: Actor,
        repository: Repository,
        digests: Collection[str],
    ) -> dict[str, int]:
        """Return the sizes in bytes of those blobs that need not be sent to ``repository``.

        They came to it, or to another repository of the organization that the actor may see; or
        they were made here, for images that people pull and build on: layers of runtimes that may
        be used there, and of dependencies of packages that are visible there. Whether they are
        still in the blob store is for the caller to ask.
        """
        found = find_repository_blobs(transaction, repository, digests)
        found |= _find_held(transaction, actor, repository, set(digests) - set(found))
        found |= self._find_made(transaction, actor, repository, set(digests) - set(found))
        return found

    def _find_made(
        self, transaction: Transaction, actor: Actor, repository: Repository, digests: set[str]
    ) -> dict[str, int]:
        if not digests:
            return {}
        context = _context_of(transaction, repository)
        if not actor.may(Action.VIEW_RUNTIME, context):
            return {}
        found = self._contents.find(list_visible_images(transaction, context), digests)
        rest = digests - set(found)
        return found | find_layer_blobs(transaction, context, rest)


def can_see(transaction: Transaction, actor: Actor, repository: Repository) -> bool:
    """Whether the actor may see what is in a repository."""
    try:
        ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
    except RepositoryUnknown:
        return False
    return True


def _find_held(
    transaction: Transaction, actor: Actor, repository: Repository, digests: set[str]
) -> dict[str, int]:
    """Those that came to another repository that the actor may see."""
    found: dict[str, int] = {}
    seen: dict[Repository, bool] = {}
    for digest, repositories in list_holders(
        transaction, repository.organization_id, digests
    ).items():
        for holder in repositories:
            if holder not in seen:
                seen[holder] = can_see(transaction, actor, holder)
            if seen[holder]:
                found |= find_repository_blobs(transaction, holder, [digest])
                break
    return found


def _context_of(transaction: Transaction, repository: Repository) -> Context:
    """Where the images of the repository are used."""
    process = (
        None if repository.process_id is None else find_process(transaction, repository.process_id)
    )
    return Context(repository.organization_id) if process is None else process.context
