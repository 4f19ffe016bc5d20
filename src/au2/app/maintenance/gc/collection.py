"""Garbage collection: find what is needed, remove the rest.

It runs beside the server, in a process of its own, and holds nobody up. Why nothing is lost:

* The roots are read in one transaction. A blob needed later that no root named then was
  either written since, or somebody asked for it (:meth:`contains`) before counting on it:
  both make it young, and what is younger than the grace time stays. The store decides that by
  itself for each blob, in one step (:meth:`remove_expired`): whoever asks either finds the
  blob and keeps it, or is told that it is gone, and sends or makes it again.
* So the grace time must be longer than anything takes from its first blob to the row that names it:
  the build of a runtime, or a push over a slow line. Files of packages and images that ``au2``
  sends are named by a row from the start. Were it too short, a build or push would fail and say
  that a blob is missing; it could never end well without one.
* A version that is deleted, or a job that ends, after the roots were read only leaves more behind.
* Ingest bytes go at once where no upload under way goes on with them, whatever their age
  (:mod:`au2.app.maintenance.gc.ingests`): they may be what fills the disk.
* Rows go after what they tell of (:mod:`au2.stores.database.content.stale_rows`). Whoever is killed
  between leaves rows that the next run removes; a full disk, too, is first given room.
* Unpacked layers stay under containers (:class:`UnpackedLayers`); else they are unpacked again.
* An image that must be whole but can't be read hides what it needs: then nothing is removed, unless
  the operator says so.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from au2.app.maintenance.gc.ingests import UNDER_WAY, IngestPolicy
from au2.app.maintenance.gc.live_set import Cutoffs, LiveSet, find_live_set
from au2.app.maintenance.gc.report import GCReport, ResourceKind
from au2.app.maintenance.gc.stale_rows import StaleRowCleanup
from au2.domain.errors import BlobMissing, Conflict, Detail
from au2.engines.base import UnpackedLayers
from au2.stores.content.protocol import ContentStore, Ingest
from au2.stores.database.database import Database

LEAST_GRACE_SECONDS = 3600.0
"""Less than a build of a large runtime may take."""
_MOST_NAMED = 20
_UNNEEDED = "nothing needs it"
_YOUNG = "younger than the grace time, or asked for since"


@dataclass(frozen=True, slots=True)
class GCOptions:
    """Options that the operator sets."""

    grace_seconds: float
    """How long what nobody needs stays; at least :data:`LEAST_GRACE_SECONDS`."""
    unused_seconds: float
    """After so long without use, layers of dependencies are not kept for later builds."""
    plan: bool = False
    """Change nothing, say what would go."""
    ignore_damaged: bool = False
    """Go on where damaged images hide what they need."""


class GarbageCollection:
    """Removes what nothing needs."""

    def __init__(
        self,
        database: Database,
        blobs: ContentStore,
        layers: UnpackedLayers,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._layers = layers
        self._clock = clock

    def run(self, wishes: GCOptions) -> GCReport:
        """Remove what nothing needs, or say what would be removed; return what went and stayed.

        Raises:
            Conflict: images are damaged, so that it is not known what they need.
        """
        now = self._clock()
        since = Cutoffs(
            came=now - timedelta(seconds=wishes.grace_seconds),
            used=now - timedelta(seconds=wishes.unused_seconds),
        )
        needed = find_live_set(self._database, self._blobs, since)
        if needed.damaged and not wishes.ignore_damaged:
            raise _damaged(needed)
        sweep = _Sweep(self._blobs, self._layers, needed, wishes)
        sweep.blobs()
        sweep.compressed()
        found = list(self._blobs.list_ingests())
        # After the list: see there.
        pieces = IngestPolicy(
            self._database, self._clock(), now=time.time(), grace_seconds=wishes.grace_seconds
        )
        sweep.unfinished(found, pieces)
        sweep.layers()
        records = StaleRowCleanup(self._database, since.came, now, plan=wishes.plan)
        records.clear(is_gone=sweep.is_gone, has_part=self._has_part)
        records.add_to(sweep.report)
        return sweep.report

    def _has_part(self, name: str) -> bool:
        return self._blobs.ingest_bytes(name) > 0


class _Sweep:
    """One pass over everything that is kept."""

    def __init__(
        self, blobs: ContentStore, layers: UnpackedLayers, needed: LiveSet, wishes: GCOptions
    ) -> None:
        self.report = GCReport()
        self._blobs = blobs
        self._layers = layers
        self._needed = needed
        self._plan = wishes.plan
        self._grace_seconds = wishes.grace_seconds

    def blobs(self) -> None:
        """Blobs with bytes of their own."""
        for digest in self._blobs.list_digests():
            kind = self._needed.blobs.find(digest)
            freed_bytes = None if kind else self._free(digest)
            if freed_bytes is not None:
                self.report.goes(ResourceKind.BLOBS, _UNNEEDED, freed_bytes)
                continue
            with suppress(BlobMissing):  # Somebody else has removed it.
                self.report.stays(
                    ResourceKind.BLOBS, kind or _YOUNG, self._blobs.size_bytes(digest)
                )

    def compressed(self) -> None:
        """Sweep compressed forms: an entry goes with the blob that holds it."""
        for digest, compressed in self._blobs.list_compressed():
            if digest in self._needed.blobs or not self.is_gone(compressed):
                self.report.stays(ResourceKind.COMPRESSED, "the blob that holds it stays")
            elif self._free(digest) is not None:
                self.report.goes(ResourceKind.COMPRESSED, "the blob that held it goes")

    def unfinished(self, found: Sequence[Ingest], pieces: IngestPolicy) -> None:
        """Sweep ingests: resumable ones, and files that writers left."""
        for one in found:
            judged = pieces.judge(one)
            goes = judged.goes and (self._plan or self._blobs.remove_ingest(one))
            if goes:
                self.report.goes(ResourceKind.UNFINISHED, judged.why, one.size_bytes)
            else:
                why = UNDER_WAY if judged.goes else judged.why
                self.report.stays(ResourceKind.UNFINISHED, why, one.size_bytes)

    def layers(self) -> None:
        """Unpacked layers."""
        free = self._layers.unused_layer_bytes if self._plan else self._layers.remove_unused_layer
        for name in list(self._layers.list_layers()):
            if _is_layer(name) and f"sha256:{name}" in self._needed.diff_ids:
                self.report.stays(ResourceKind.LAYERS, "images that may run have it")
                continue
            freed_bytes = free(name, older_than_seconds=self._grace_seconds)
            if freed_bytes is None:
                self.report.stays(ResourceKind.LAYERS, "a container has it, or it is young")
            else:
                self.report.goes(ResourceKind.LAYERS, "no image that may run has it", freed_bytes)

    def is_gone(self, digest: str) -> bool:
        """Whether a blob is not there (or will not be, by the plan); it is not asked for."""
        if digest in self._needed.blobs:
            return False
        try:
            self._blobs.size_bytes(digest)
        except BlobMissing:
            return True
        return self._plan and self._free(digest) is not None

    def _free(self, digest: str) -> int | None:
        act = self._blobs.expired_bytes if self._plan else self._blobs.remove_expired
        return act(digest, older_than_seconds=self._grace_seconds)


def _is_layer(name: str) -> bool:
    return len(name) == 64


def _damaged(needed: LiveSet) -> Conflict:
    owners = [root.owner for root in needed.damaged]
    more = len(owners) - _MOST_NAMED
    return Conflict(
        "Some images can't be read, so it is not known what they need. Nothing was removed.",
        details=[
            *(Detail(owner) for owner in owners[:_MOST_NAMED]),
            *([Detail(f"and {more} more")] if more > 0 else []),
        ],
        hint="'au2-server fsck' says what to do. With --ignore-damaged they count as lost.",
    )
