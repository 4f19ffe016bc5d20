"""The whole check: every blob against its digest, and whoever needs blobs against the blobs.

It changes nothing unless it is told to, and may run beside a server. What goes meanwhile with its
version is no finding: where something is missing, those who need it are looked at a second time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from au2.app.maintenance.live_set import Cutoffs, find_live_set
from au2.domain.errors import Au2Error, BlobMissing, InvalidImage
from au2.engines.protocol import UnpackedLayers
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
    "mend this one",
    RootKind.RUNTIME: "build it again: au2-server runtime build NAME{options}",
    RootKind.REPOSITORY: "push it again",
    RootKind.UNFINISHED: "upload again",
    RootKind.DEPENDENCIES: "nothing more: it is made again when a build asks for it",
    RootKind.CONTENTS: "nothing more: it is sent again with the next upload",
}
_AS_IT_CAME = (
    "push the same image again with the same tool, to another version: this layer came compressed, "
    "so only the same compressed bytes mend it"
)
_REMOVE = "au2-server fsck --remove-damaged{options}, then "
_NOBODY = "nothing more: nothing needs it"
Progress = Callable[[int], None]
"""Told the bytes that were read since it was told last."""


@dataclass(slots=True)
class Finding:
    """A blob, or a form of one, that is not as it must be."""

    digest: str
    problem: str
    is_missing: bool = False
    """Whether it is not there at all; then there is nothing to remove."""
    hits: dict[str, RootKind] = field(default_factory=dict)
    """Who needs it, for people, and as what."""
    is_compressed: bool = False
    """Whether it is a layer as it travelled, which is not sent or made anew in just these bytes."""

    def advise(self, options: str = "") -> str:
        """Return what to do. ``options``: what the operator's commands need to be typed."""
        kinds = [kind for kind in RootKind if kind in self.hits.values()]
        steps = "; ".join(map(self._advise, kinds)) if kinds else _NOBODY
        advice = steps if self.is_missing else f"{_REMOVE}{steps}"
        return advice.format(options=f" {options}" if options else "")

    def _advise(self, kind: RootKind) -> str:
        is_as_it_came = kind is RootKind.VERSION and self.is_compressed
        return _AS_IT_CAME if is_as_it_came else _ADVICE[kind]

    def to_document(self, options: str = "") -> dict[str, object]:
        """Return the finding for people and programs. ``options``: as in :meth:`advise`."""
        return {
            "blob": self.digest,
            "problem": self.problem,
            "hits": list(self.hits),
            "advice": self.advise(options),
        }


def check_blobs(blobs: Manager, findings: dict[str, Finding], progress: Progress) -> int:
    """Read all blobs, and add to ``findings`` (by digest) those that are damaged.

    Returns how many there were. One that is removed meanwhile is none of them.
    """
    number = 0
    for digest in blobs.list_digests():
        number += _check(blobs, digest, findings, progress)
    return number


def check_compressed(blobs: Manager, findings: dict[str, Finding], progress: Progress) -> int:
    """Read all blobs that are kept as another one, as :func:`check_blobs` reads the rest.

    Where the one that holds it is damaged itself, that is told already.
    """
    number = 0
    for digest, compressed in blobs.list_compressed():
        if compressed not in findings and blobs.find_compressed(digest) is not None:
            number += _check(blobs, digest, findings, progress)
    return number


def is_damaged(blobs: Provider, digest: str) -> bool:
    """Read a blob; whether it is there and damaged."""
    findings: dict[str, Finding] = {}
    _check(blobs, digest, findings, lambda _bytes: None)
    return bool(findings)


def _check(blobs: Provider, digest: str, findings: dict[str, Finding], progress: Progress) -> bool:
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


@dataclass(frozen=True, slots=True)
class ImageIntegrity:
    """Adds to the findings about blobs who is hit, and what is missing."""

    blobs: Provider
    findings: dict[str, Finding]
    """By digest."""

    def look_at(self, root: ImageRoot) -> None:
        """Check one image: its manifest, what that points to, and the images of an index."""
        waiting, seen = [root], {root.digest}
        while waiting:
            image = waiting.pop()
            # Each once, and in no recursion: indexes may name indexes, as often and as deep as
            # whoever pushes them likes.
            children = dict.fromkeys(self._look_at_one(image))
            # An index may name images that were never sent. Of those that were, all must be there.
            waiting += [
                replace(image, digest=child, must_be_whole=False)
                for child in children
                if child not in seen
            ]
            seen.update(children)

    def _look_at_one(self, root: ImageRoot) -> list[str]:
        """Check one manifest or index; return the digests of what an index names."""
        pointers = self._read(root)
        if pointers is None:
            self._hit(root.digest, root.owner, root.kind)
            return []
        for descriptor in pointers.blobs:
            if not root.is_run and self._is_untrue(descriptor):
                continue
            self.look_at_blob(descriptor.digest, descriptor.size_bytes, root.owner, root.kind)
            if descriptor.media_type in COMPRESSED_LAYERS and descriptor.digest in self.findings:
                self.findings[descriptor.digest].is_compressed = True
        return [child.digest for child in pointers.manifests]

    def look_at_blob(self, digest: str, size_bytes: int, owner: str, kind: RootKind) -> None:
        """Check one blob that ``owner`` needs."""
        if digest not in self.findings:
            self._compare_size(digest, size_bytes)
        self._hit(digest, owner, kind)
        holder = self.blobs.find_compressed(digest)
        if holder is not None:
            self._hit(holder, owner, kind)
            if holder in self.findings:
                self.findings[holder].is_compressed = True

    def _is_untrue(self, descriptor: Descriptor) -> bool:
        """Whether what was pushed states a wrong size of a blob that is sound.

        That was taken once. The digest is right, so the blob is: it may be somebody else's.
        """
        digest = descriptor.digest
        if digest in self.findings:
            return False
        try:
            is_other = self.blobs.size_bytes(digest) != descriptor.size_bytes
        except BlobMissing:
            return False
        return is_other and not is_damaged(self.blobs, digest)

    def _read(self, root: ImageRoot) -> ReferencedDescriptors | None:
        if root.digest in self.findings:
            return None
        try:
            data = self.blobs.read_bytes(root.digest, limit_bytes=MAX_DOCUMENT_BYTES)
            return parse_referenced(data)
        except BlobMissing:
            if root.must_be_whole:
                self._find(root.digest, "missing", is_missing=True)
        except InvalidImage as error:
            if not root.is_run:
                # Just as it was pushed; nonsense, but there is nothing to mend.
                return ReferencedDescriptors((), ())
            self._find(root.digest, f"damaged: {error.message}")
        except Au2Error as error:
            self._find(root.digest, f"damaged: {error.message}")
        except OSError as error:
            self._find(root.digest, f"can't be read: {error.strerror or error}")
        return None

    def _compare_size(self, digest: str, size_bytes: int) -> None:
        try:
            found_bytes = self.blobs.size_bytes(digest)
        except BlobMissing:
            self._find(digest, "missing", is_missing=True)
            return
        if found_bytes != size_bytes:
            self._find(digest, f"damaged: it has {found_bytes} bytes, not {size_bytes} bytes")

    def _find(self, digest: str, problem: str, *, is_missing: bool = False) -> None:
        self.findings.setdefault(digest, Finding(digest, problem, is_missing))

    def _hit(self, digest: str, owner: str, kind: RootKind) -> None:
        if digest in self.findings:
            self.findings[digest].hits.setdefault(owner, kind)


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What a check came to."""

    findings: tuple[Finding, ...]
    read_blobs: int
    """How many were read to their end; none in a quick check."""
    images: int
    """How many were looked at, with all that they point to."""
    stray_layers: int
    """Unpacked layers that no image has: no fault, they can be removed."""


class IntegrityCheck:
    """Checks an installation's blobs, and all that needs them."""

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
        """Check all.

        Args:
            quick: look whether everything is there and has its size, but read no blobs.
            progress: told how many bytes were read since it was told last.
        """
        damaged: dict[str, Finding] = {}
        read = 0
        if not quick:
            read = check_blobs(self._blobs, damaged, progress)
            read += check_compressed(self._blobs, damaged, progress)
        findings, images = self._look_at_needs(damaged)
        if any(finding.is_missing for finding in findings.values()):
            findings, images = self._look_at_needs(damaged)
        return IntegrityReport(tuple(findings.values()), read, images, self._count_stray_layers())

    def remove_damaged(self, soundness: IntegrityReport) -> int:
        """Remove the blobs that were found damaged; return how many.

        As long as one is there it counts as had, and is neither sent nor made again. Each is read
        once more before, for it may have come anew.
        """
        found = (finding.digest for finding in soundness.findings if not finding.is_missing)
        damaged = [digest for digest in found if is_damaged(self._blobs, digest)]
        for digest in damaged:
            self._blobs.remove(digest)
        return len(damaged)

    def _look_at_needs(self, damaged: dict[str, Finding]) -> tuple[dict[str, Finding], int]:
        """Return what was found damaged with all that is missing, and who is hit."""
        findings = {
            digest: Finding(digest, found.problem, found.is_missing)
            for digest, found in damaged.items()
        }
        check = ImageIntegrity(self._blobs, findings)
        images = self._list_images()
        for root in images:
            check.look_at(root)
        with self._database.read() as transaction:
            layers = list(roots.list_dependency_layers(transaction))
        for layer in layers:
            check.look_at_blob(layer.digest, layer.size_bytes, layer.owner, layer.kind)
        self._look_at_files(findings)
        return findings, len({root.digest for root in images})

    def _list_images(self) -> list[ImageRoot]:
        now = self._clock()
        with self._database.read() as transaction:
            return list(
                chain(
                    roots.list_version_images(transaction),
                    roots.list_runtime_images(transaction),
                    roots.list_repository_images(transaction, since=now),
                    roots.list_unfinished_images(transaction),
                )
            )

    def _look_at_files(self, findings: dict[str, Finding]) -> None:
        """Check the files of packages: first each once, and only where one is hit, whose it is."""
        sizes: dict[str, int] = {}
        with self._database.read() as transaction:
            for file in roots.list_package_files(transaction):
                sizes[file.digest] = file.size_bytes
        for digest, size_bytes in sizes.items():
            self._look_at_file(digest, size_bytes, findings)
        if not findings.keys() & sizes.keys():
            return
        with self._database.read() as transaction:
            for file in roots.list_package_files(transaction):
                if file.digest in findings:
                    findings[file.digest].hits.setdefault(file.owner, file.kind)

    def _look_at_file(self, digest: str, size_bytes: int, findings: dict[str, Finding]) -> None:
        if digest in findings:
            return
        try:
            found_bytes = self._blobs.size_bytes(digest)
        except BlobMissing:
            findings[digest] = Finding(digest, "missing", is_missing=True)
            return
        if found_bytes != size_bytes:
            problem = f"damaged: it has {found_bytes} bytes, not {size_bytes} bytes"
            findings[digest] = Finding(digest, problem)

    def _count_stray_layers(self) -> int:
        now = self._clock()
        needed = find_live_set(self._database, self._blobs, Cutoffs(now, now)).diff_ids
        names = self._layers.list_layers()
        return sum(len(name) != 64 or f"sha256:{name}" not in needed for name in names)
