"""Integrity check: every blob against its digest, and every reference against the blobs.

Without an order to remove, nothing is changed, and a server may run meanwhile. Blobs removed during
the check, with their version, are no finding: where one is missing, references are read once more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from au2.app.maintenance.live_set import Cutoffs, find_live_set, list_image_roots
from au2.app.maintenance.references import ReferenceResolver, make_resolver
from au2.domain.errors import Au2Error, BlobMissing, InvalidImage
from au2.engines.protocol import UnpackedLayers
from au2.oci.spec.digest import is_alias
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.media_types import COMPRESSED_LAYERS
from au2.oci.spec.registry_manifest import ReferencedDescriptors, parse_referenced
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.protocol import Manager, Provider
from au2.stores.database.content import roots
from au2.stores.database.content.roots import ImageRoot, RootKind
from au2.stores.database.database import Database

_ADVICE = {
    RootKind.VERSION: "upload the same image or package again, as another version: equal bytes "
    "repair this one",
    RootKind.RUNTIME: "build it again: au2-server runtime build NAME{options}",
    RootKind.REPOSITORY: "push it again",
    RootKind.UNFINISHED: "upload again",
    RootKind.DEPENDENCIES: "nothing more: it is made again when a build asks for it",
    RootKind.CONTENTS: "nothing more: it is sent again with the next upload",
}
_COMPRESSED_ADVICE = (
    "push the same image again with the same tool, to another version: this layer was pushed "
    "compressed, so only the same compressed bytes repair it"
)
_REMOVE = "au2-server fsck --remove-damaged{options}, then "
_UNUSED = "nothing more: nothing needs it"

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call."""


@dataclass(slots=True)
class Finding:
    """A damaged or missing blob, or compressed form of a blob."""

    digest: str
    problem: str
    is_missing: bool = False
    """Whether the blob is missing; then there is nothing to remove."""
    hits: dict[str, RootKind] = field(default_factory=dict)
    """Objects that need the blob, named for people, and their kinds."""
    is_compressed: bool = False
    """Whether the blob is a layer as pushed, never sent or made anew in just these bytes."""

    def advise(self, options: str = "") -> str:
        """Return the steps of a repair. ``options``: of the commands in them."""
        kinds = [kind for kind in RootKind if kind in self.hits.values()]
        steps = "; ".join(map(self._advise, kinds)) if kinds else _UNUSED
        advice = steps if self.is_missing else f"{_REMOVE}{steps}"
        return advice.format(options=f" {options}" if options else "")

    def _advise(self, kind: RootKind) -> str:
        is_as_pushed = kind is RootKind.VERSION and self.is_compressed
        return _COMPRESSED_ADVICE if is_as_pushed else _ADVICE[kind]

    def to_document(self, options: str = "") -> dict[str, object]:
        """Return the finding for people and programs. ``options``: as in :meth:`advise`."""
        return {
            "blob": self.digest,
            "problem": self.problem,
            "hits": list(self.hits),
            "advice": self.advise(options),
        }


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """Result of an integrity check."""

    findings: tuple[Finding, ...]
    read_blobs: int
    """Number of blobs read to their end; none in a quick check."""
    images: int
    """Number of images checked with all their references."""
    stray_layers: int
    """Unpacked layers of no image: no fault, they can be removed."""


@dataclass(frozen=True, slots=True)
class ImageIntegrity:
    """Check of references: adds missing blobs to the findings, and the objects hit by each."""

    blobs: Provider
    findings: dict[str, Finding]
    """By digest, or alias that no repository knows."""
    resolver: ReferenceResolver

    def check_image(self, root: ImageRoot) -> None:
        """Check one image: its manifest, all references, and the images of an index."""
        waiting, seen = [root], {root.digest}
        while waiting:
            image = waiting.pop()
            # Each once, and without recursion: pushed indexes may name indexes, as often and as
            # deep as their senders like.
            children = dict.fromkeys(self._check_manifest(image))
            # An index may name images that were never pushed. Of pushed ones, all must be there.
            waiting += [
                replace(image, digest=child, must_be_whole=False)
                for child in children
                if child not in seen
            ]
            seen.update(children)

    def _check_manifest(self, root: ImageRoot) -> list[str]:
        """Check one manifest or index; return the digests of an index's manifests."""
        referenced = self._read(root)
        if referenced is None:
            self._hit(root.digest, root.owner, root.kind)
            return []
        for descriptor in referenced.blobs:
            if not root.is_run and self._is_untrue(descriptor):
                continue
            self.check_blob(descriptor.digest, descriptor.size_bytes, root.owner, root.kind)
            if descriptor.media_type in COMPRESSED_LAYERS and descriptor.digest in self.findings:
                self.findings[descriptor.digest].is_compressed = True
        return [child.digest for child in referenced.manifests if not is_alias(child.digest)]

    def check_blob(self, digest: str, size_bytes: int, owner: str, kind: RootKind) -> None:
        """Check one blob needed by ``owner``."""
        if is_alias(digest):
            self._find(digest, "missing", is_missing=True)
            self._hit(digest, owner, kind)
            return
        self.check_size(digest, size_bytes)
        self._hit(digest, owner, kind)
        holder = self.blobs.find_compressed(digest)
        if holder is not None:
            self._hit(holder, owner, kind)
            if holder in self.findings:
                self.findings[holder].is_compressed = True

    def check_size(self, digest: str, size_bytes: int) -> None:
        """Add a finding if the blob is missing or has another size; at most one by digest."""
        if digest in self.findings:
            return
        try:
            found_bytes = self.blobs.size_bytes(digest)
        except BlobMissing:
            self._find(digest, "missing", is_missing=True)
            return
        if found_bytes != size_bytes:
            self._find(digest, f"damaged: it has {found_bytes} bytes, not {size_bytes} bytes")

    def _is_untrue(self, descriptor: Descriptor) -> bool:
        """Whether a pushed descriptor states a wrong size of a sound blob.

        Such manifests were once accepted. By its digest the blob is sound, and may be shared.
        """
        digest = descriptor.digest
        if is_alias(digest) or digest in self.findings:
            return False
        try:
            is_other = self.blobs.size_bytes(digest) != descriptor.size_bytes
        except BlobMissing:
            return False
        return is_other and not _is_damaged(self.blobs, digest)

    def _read(self, root: ImageRoot) -> ReferencedDescriptors | None:
        if root.digest in self.findings:
            return None
        try:
            data = self.blobs.read_bytes(root.digest, limit_bytes=MAX_DOCUMENT_BYTES)
            return self.resolver.resolve(root, parse_referenced(data))
        except BlobMissing:
            if root.must_be_whole:
                self._find(root.digest, "missing", is_missing=True)
        except InvalidImage as error:
            if not root.is_run:
                # Just as it was pushed; nonsense, but there is nothing to repair.
                return ReferencedDescriptors((), ())
            self._find(root.digest, f"damaged: {error.message}")
        except Au2Error as error:
            self._find(root.digest, f"damaged: {error.message}")
        except OSError as error:
            self._find(root.digest, f"can't be read: {error.strerror or error}")
        return None

    def _find(self, digest: str, problem: str, *, is_missing: bool = False) -> None:
        self.findings.setdefault(digest, Finding(digest, problem, is_missing))

    def _hit(self, digest: str, owner: str, kind: RootKind) -> None:
        if digest in self.findings:
            self.findings[digest].hits.setdefault(owner, kind)


class IntegrityCheck:
    """Check of an installation's blobs, and of all references to them."""

    def __init__(
        self,
        database: Database,
        blobs: Manager,
        layers: UnpackedLayers,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._layers = layers
        self._clock = clock

    def run(self, *, quick: bool, progress: Progress) -> IntegrityReport:
        """Check everything; ``quick``: presence and sizes of blobs only, without reading them."""
        damaged: dict[str, Finding] = {}
        read = 0
        if not quick:
            read = sum(
                _check_blob(self._blobs, digest, damaged, progress)
                for digest in self._blobs.list_digests()
            )
            # Damage of a holder is a finding already.
            read += sum(
                _check_blob(self._blobs, digest, damaged, progress)
                for digest, holder in self._blobs.list_compressed()
                if holder not in damaged and self._blobs.find_compressed(digest) is not None
            )
        findings, images = self._check_references(damaged.values())
        if any(finding.is_missing for finding in findings.values()):
            findings, images = self._check_references(damaged.values())
        return IntegrityReport(tuple(findings.values()), read, images, self._count_stray_layers())

    def remove_damaged(self, report: IntegrityReport) -> int:
        """Remove the damaged blobs; return their number.

        A damaged blob counts as stored, so none is sent or made again. Each blob is read once more
        before its removal, for a repair may have come meanwhile.
        """
        found = (finding.digest for finding in report.findings if not finding.is_missing)
        damaged = [digest for digest in found if _is_damaged(self._blobs, digest)]
        for digest in damaged:
            self._blobs.remove(digest)
        return len(damaged)

    def _check_references(self, damaged: Iterable[Finding]) -> tuple[dict[str, Finding], int]:
        """Return damaged and missing blobs with the objects hit, and the number of images."""
        findings = {one.digest: Finding(one.digest, one.problem, one.is_missing) for one in damaged}
        with self._database.read() as transaction:
            check = ImageIntegrity(self._blobs, findings, make_resolver(transaction))
            images = list(list_image_roots(transaction, since=self._clock()))
        for root in images:
            check.check_image(root)
        with self._database.read() as transaction:
            layers = list(roots.list_dependency_layers(transaction))
        for layer in layers:
            check.check_blob(layer.digest, layer.size_bytes, layer.owner, layer.kind)
        self._check_package_files(check)
        return findings, len({root.digest for root in images})

    def _check_package_files(self, check: ImageIntegrity) -> None:
        """Check each file of packages once; its owners are read only where one is hit."""
        with self._database.read() as transaction:
            sizes = {file.digest: file.size_bytes for file in roots.list_package_files(transaction)}
        for digest, size_bytes in sizes.items():
            check.check_size(digest, size_bytes)
        if not check.findings.keys() & sizes.keys():
            return
        with self._database.read() as transaction:
            for file in roots.list_package_files(transaction):
                if file.digest in check.findings:
                    check.findings[file.digest].hits.setdefault(file.owner, file.kind)

    def _count_stray_layers(self) -> int:
        now = self._clock()
        needed = find_live_set(self._database, self._blobs, Cutoffs(now, now)).diff_ids
        names = self._layers.list_layers()
        return sum(len(name) != 64 or f"sha256:{name}" not in needed for name in names)


def _is_damaged(blobs: Provider, digest: str) -> bool:
    """Whether a blob is present and damaged, by reading."""
    findings: dict[str, Finding] = {}
    _check_blob(blobs, digest, findings, lambda _bytes: None)
    return bool(findings)


def _check_blob(
    blobs: Provider, digest: str, findings: dict[str, Finding], progress: Progress
) -> bool:
    """Read a blob and add a finding if it is damaged; whether the blob is present."""
    try:
        with blobs.open(digest) as file:
            while data := file.read(CHUNK_BYTES):
                progress(len(data))
    except BlobMissing:
        return False
    except Au2Error as error:
        message = error.message.removeprefix(f"{digest}: ")
        findings[digest] = Finding(digest, f"damaged: {message}")
    except OSError as error:
        findings[digest] = Finding(digest, f"can't be read: {error.strerror or error}")
    return True
