"""What is needed of the blob store: the roots, and all that they point to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from au2.domain.errors import Au2Error, BlobMissing, InvalidImage
from au2.oci.spec.config import parse_config
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.referenced_descriptors import ReferencedDescriptors, parse_referenced
from au2.stores.content.protocol import ContentStore
from au2.stores.database.content import roots
from au2.stores.database.content.roots import ImageRoot, RootKind
from au2.stores.database.database import Database, Transaction

_KINDS = tuple(RootKind)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is young enough to be needed whatever else is known. Aware times."""

    came: datetime
    """What came, or began to come, after this."""
    used: datetime
    """Layers of dependencies that were used after this."""


class DigestSet:
    """Digests of live blobs, each with the first :class:`RootKind` that keeps it alive.

    About 150 bytes for each, so that a store of a million blobs can be looked after.
    """

    def __init__(self) -> None:
        self._kinds: dict[bytes, int] = {}

    def add(self, digest: str, kind: RootKind) -> bool:
        """Note that a digest is needed; return whether that was not known."""
        key, number = bytes.fromhex(digest.removeprefix("sha256:")), _KINDS.index(kind)
        known = self._kinds.get(key)
        if known is None or number < known:
            self._kinds[key] = number
        return known is None

    def find(self, digest: str) -> RootKind | None:
        """Return why a digest is needed; None if it is not."""
        number = self._kinds.get(bytes.fromhex(digest.removeprefix("sha256:")))
        return None if number is None else _KINDS[number]

    def __contains__(self, digest: str) -> bool:
        """Whether a digest is needed."""
        return self.find(digest) is not None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._kinds)


@dataclass(slots=True)
class LiveSet:
    """What is needed."""

    blobs: DigestSet = field(default_factory=DigestSet)
    diff_ids: DigestSet = field(default_factory=DigestSet)
    """Layers that containers may be made of, by the digests of their uncompressed archives."""
    damaged: list[ImageRoot] = field(default_factory=list)
    """Images that must be whole, but can't be read, so that nobody knows what they need."""


def find_live_set(database: Database, blobs: ContentStore, since: Cutoffs) -> LiveSet:
    """Return all that is needed.

    The database is looked at once, and left before the first manifest is read.
    """
    needed = LiveSet()
    with database.read() as transaction:
        images = _list_images(transaction, since)
        _add_single_blobs(transaction, since, needed.blobs)
    walk = _Walk(blobs, needed)
    for image in images.values():
        walk.add(image)
    _add_compressed(blobs, needed.blobs)
    return needed


def _list_images(transaction: Transaction, since: Cutoffs) -> Mapping[str, ImageRoot]:
    """Return each image once, with the strongest of the reasons to keep it."""
    found: dict[str, ImageRoot] = {}
    for root in chain(
        roots.list_version_images(transaction),
        roots.list_runtime_images(transaction),
        roots.list_repository_images(transaction, since=since.came),
        roots.list_unfinished_images(transaction),
    ):
        known = found.setdefault(root.digest, root)
        if known is not root:
            found[root.digest] = replace(
                known,
                must_be_whole=known.must_be_whole or root.must_be_whole,
                is_run=known.is_run or root.is_run,
            )
    return found


def _add_single_blobs(transaction: Transaction, since: Cutoffs, needed: DigestSet) -> None:
    for digest in roots.list_unfinished_blobs(transaction, since=since.came):
        needed.add(digest, RootKind.UNFINISHED)
    for digest in roots.list_dependency_blobs(transaction, used_since=since.used):
        needed.add(digest, RootKind.DEPENDENCIES)
    for digest in roots.list_wanted_contents(transaction):
        needed.add(digest, RootKind.CONTENTS)


def _add_compressed(blobs: ContentStore, needed: DigestSet) -> None:
    """A blob that is kept only as another one needs that one."""
    for digest, compressed in blobs.list_compressed():
        kind = needed.find(digest)
        if kind is not None and blobs.find_compressed(digest) is not None:
            needed.add(compressed, kind)


def _hides_something(root: ImageRoot, error: Exception) -> bool:
    """Whether what can't be read may need something that nobody else knows of."""
    if isinstance(error, InvalidImage) and not root.is_run:
        # Just as it was pushed, and nonsense: no client can read it either, and one member's
        # nonsense must not keep everybody's garbage.
        return False
    return root.must_be_whole or not isinstance(error, BlobMissing)


class _Walk:
    """From manifests to what they point to."""

    def __init__(self, blobs: ContentStore, needed: LiveSet) -> None:
        self._blobs = blobs
        self._needed = needed
        self._seen: set[str] = set()

    def add(self, image: ImageRoot) -> None:
        """Note an image and all that it points to; of an index, its images too."""
        waiting = [image]
        while waiting:
            root = waiting.pop()
            self._needed.blobs.add(root.digest, root.kind)
            if root is not image and root.digest in self._seen:
                continue  # An index that names itself, or an image that stands in two.
            self._seen.add(root.digest)
            pointers = self._read(root)
            for descriptor in pointers.blobs:
                self._needed.blobs.add(descriptor.digest, root.kind)
            if root.is_run and pointers.blobs:
                self._add_diff_ids(root, pointers.blobs[0].digest)
            waiting += [
                replace(root, digest=child.digest, must_be_whole=False)
                for child in pointers.manifests
            ]

    def _read(self, root: ImageRoot) -> ReferencedDescriptors:
        try:
            data = self._blobs.read_bytes(root.digest, limit_bytes=MAX_DOCUMENT_BYTES)
            return parse_referenced(data)
        except (Au2Error, OSError) as error:
            if _hides_something(root, error):
                self._needed.damaged.append(root)
            return ReferencedDescriptors((), ())

    def _add_diff_ids(self, root: ImageRoot, config_digest: str) -> None:
        try:
            data = self._blobs.read_bytes(config_digest, limit_bytes=MAX_DOCUMENT_BYTES)
            diff_ids = parse_config(data).diff_ids
        except (Au2Error, OSError):
            return  # Nothing can be made of it. Layers are unpacked again when they are wanted.
        for diff_id in diff_ids:
            self._needed.diff_ids.add(diff_id, root.kind)
