"""Live set of a garbage collection: the roots, and all blobs referenced from there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from au2.app.maintenance.references import ReferenceResolver, make_resolver
from au2.domain.errors import Au2Error, BlobMissing, InvalidImage
from au2.oci.spec.config import parse_config
from au2.oci.spec.digest import is_alias
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.registry_manifest import ReferencedDescriptors, parse_referenced
from au2.stores.content.protocol import Manager
from au2.stores.database.content import roots
from au2.stores.database.content.roots import ImageRoot, RootKind
from au2.stores.database.database import Database, Transaction

_KINDS = tuple(RootKind)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Times from which on resources are live by their age alone. Aware."""

    created_at: datetime
    """For blobs and uploads: their first row."""
    used_at: datetime
    """For dependency layers: their last use."""


class DigestSet:
    """Digests of live blobs, each with the first :class:`RootKind` to keep it alive.

    About 150 bytes each, so a store of a million blobs can be collected.
    """

    def __init__(self) -> None:
        self._kinds: dict[bytes, int] = {}

    def add(self, digest: str, kind: RootKind) -> bool:
        """Add a digest; return whether the digest is new."""
        key, number = bytes.fromhex(digest.removeprefix("sha256:")), _KINDS.index(kind)
        known = self._kinds.get(key)
        if known is None or number < known:
            self._kinds[key] = number
        return known is None

    def find(self, digest: str) -> RootKind | None:
        """Return the reason for a digest; None: not in the set."""
        number = self._kinds.get(bytes.fromhex(digest.removeprefix("sha256:")))
        return None if number is None else _KINDS[number]

    def __contains__(self, digest: str) -> bool:
        """Whether a digest is in the set."""
        return self.find(digest) is not None

    def __len__(self) -> int:
        """Number of digests."""
        return len(self._kinds)


@dataclass(slots=True)
class LiveSet:
    """Blobs and layers that must stay."""

    blobs: DigestSet = field(default_factory=DigestSet)
    diff_ids: DigestSet = field(default_factory=DigestSet)
    """Diff IDs of layers of images that may run."""
    damaged: list[ImageRoot] = field(default_factory=list)
    """Images that must be whole but can't be read, so that their references are not known."""


def list_image_roots(transaction: Transaction, *, since: datetime) -> Iterator[ImageRoot]:
    """Yield the images of versions, runtimes, repositories (pushed ``since``) and uploads."""
    yield from roots.list_version_images(transaction)
    yield from roots.list_runtime_images(transaction)
    yield from roots.list_repository_images(transaction, since=since)
    yield from roots.list_unfinished_images(transaction)


def find_live_set(database: Database, blobs: Manager, cutoffs: Cutoffs) -> LiveSet:
    """Return the live set.

    The database is read in one transaction, which ends before the first manifest is read.
    """
    live = LiveSet()
    with database.read() as transaction:
        images = _list_images(transaction, cutoffs)
        resolver = make_resolver(transaction)
        _add_single_blobs(transaction, cutoffs, live.blobs)
    walk = _Walk(blobs, live, resolver)
    for image in images.values():
        walk.add(image)
    _add_compressed(blobs, live.blobs)
    return live


def _list_images(transaction: Transaction, cutoffs: Cutoffs) -> Mapping[str, ImageRoot]:
    """Return each image once, with the strongest reason to keep it."""
    found: dict[str, ImageRoot] = {}
    for root in list_image_roots(transaction, since=cutoffs.created_at):
        known = found.setdefault(root.digest, root)
        if known is not root:
            found[root.digest] = replace(
                known,
                must_be_whole=known.must_be_whole or root.must_be_whole,
                is_run=known.is_run or root.is_run,
            )
    return found


def _add_single_blobs(transaction: Transaction, cutoffs: Cutoffs, live: DigestSet) -> None:
    for digest in roots.list_unfinished_blobs(transaction, since=cutoffs.created_at):
        live.add(digest, RootKind.UNFINISHED)
    for digest in roots.list_dependency_blobs(transaction, used_since=cutoffs.used_at):
        live.add(digest, RootKind.DEPENDENCIES)
    for digest in roots.list_wanted_contents(transaction):
        live.add(digest, RootKind.CONTENTS)


def _add_compressed(blobs: Manager, live: DigestSet) -> None:
    """Add the blobs that hold live blobs compressed."""
    for digest, compressed in blobs.list_compressed():
        kind = live.find(digest)
        if kind is not None and blobs.find_compressed(digest) is not None:
            live.add(compressed, kind)


def _hides_something(root: ImageRoot, error: Exception) -> bool:
    """Whether an unreadable image may reference blobs that no other root names."""
    if isinstance(error, InvalidImage) and not root.is_run:
        # Invalid as pushed: no client can read it either, and one member's invalid manifest
        # must not keep everybody's garbage.
        return False
    return root.must_be_whole or not isinstance(error, BlobMissing)


class _Walk:
    """Walk from manifests to the referenced blobs. Unknown aliases name nothing here."""

    def __init__(self, blobs: Manager, live: LiveSet, resolver: ReferenceResolver) -> None:
        self._blobs = blobs
        self._live = live
        self._resolver = resolver
        self._seen: set[str] = set()

    def add(self, image: ImageRoot) -> None:
        """Add an image with all its blobs; of an index, its images too."""
        waiting = [image]
        while waiting:
            root = waiting.pop()
            self._live.blobs.add(root.digest, root.kind)
            if root is not image and root.digest in self._seen:
                continue  # An index that names itself, or an image that stands in two.
            self._seen.add(root.digest)
            referenced = self._read(root)
            for descriptor in referenced.blobs:
                if not is_alias(descriptor.digest):
                    self._live.blobs.add(descriptor.digest, root.kind)
            if root.is_run and referenced.blobs:
                self._add_diff_ids(root, referenced.blobs[0].digest)
            waiting += [
                replace(root, digest=child.digest, must_be_whole=False)
                for child in referenced.manifests
                if not is_alias(child.digest)
            ]

    def _read(self, root: ImageRoot) -> ReferencedDescriptors:
        try:
            data = self._blobs.read_bytes(root.digest, limit_bytes=MAX_DOCUMENT_BYTES)
            return self._resolver.resolve(root, parse_referenced(data))
        except (Au2Error, OSError) as error:
            if _hides_something(root, error):
                self._live.damaged.append(root)
            return ReferencedDescriptors((), ())

    def _add_diff_ids(self, root: ImageRoot, config_digest: str) -> None:
        try:
            data = self._blobs.read_bytes(config_digest, limit_bytes=MAX_DOCUMENT_BYTES)
            diff_ids = parse_config(data).diff_ids
        except (Au2Error, OSError):
            return  # No container runs it. Missing layers are unpacked again.
        for diff_id in diff_ids:
            self._live.diff_ids.add(diff_id, root.kind)
