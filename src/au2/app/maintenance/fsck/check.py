"""The whole check: every blob against its digest, and whoever needs blobs against the blobs.

It changes nothing unless it is told to, and may run beside a server. What goes meanwhile with its
version is no finding: where something is missing, those who need it are looked at a second time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from au2.app.maintenance.fsck.blob_check import Progress, check_blobs, check_compressed, is_damaged
from au2.app.maintenance.fsck.findings import Finding
from au2.app.maintenance.fsck.image_check import ImageIntegrity
from au2.app.maintenance.gc.live_set import Cutoffs, find_live_set
from au2.domain.errors import BlobMissing
from au2.engines.protocol import UnpackedLayers
from au2.stores.content.protocol import Manager
from au2.stores.database.content import roots
from au2.stores.database.content.roots import ImageRoot
from au2.stores.database.database import Database


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
