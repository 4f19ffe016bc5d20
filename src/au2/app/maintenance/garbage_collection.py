"""Garbage collection: mark from the roots, sweep the rest.

The collection runs beside the server, in a process of its own, and blocks no writer. Why nothing is
lost:

* Roots are read in one transaction. Every blob needed later that no root named then is leased:
  committing a blob takes its lease, and every reuse of a blob takes or renews the lease first
  (:meth:`au2.stores.content.protocol.Provider.lease`). A lease lasts for the grace time. The store
  decides for each blob in one atomic step (:meth:`Manager.remove_expired`): ``lease`` either finds
  the blob and keeps it, or says that it is gone, and the blob is sent or made again.
* The grace time must exceed the time from the first blob of a build or push to the row that names
  it: of a runtime's build, or a push over a slow line. Files that ``au2`` sends are named by a row
  from the start. With a grace time that is too short, a build or push fails and says that a blob is
  missing; it never ends well without one.
* A version deleted, or a job ended, after the roots were read only leaves more garbage behind.
* Ingests that no upload under way resumes are removed at once, whatever their age
  (:class:`IngestPolicy`): they may be the reason for a full disk.
* Rows about blobs are removed after the blobs (:mod:`au2.stores.database.content.stale_rows`). A
  kill in between leaves rows for the next run, and a full disk first gets space.
* Unpacked layers stay under containers (:class:`UnpackedLayers`); else they are unpacked again.
* An unreadable image that must be whole hides its references: then nothing is removed, unless the
  operator says so.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from au2.app.maintenance.live_set import Cutoffs, LiveSet, find_live_set
from au2.app.maintenance.stale_rows import StaleRowCleanup
from au2.domain.errors import BlobMissing, Conflict, Detail
from au2.domain.ids import is_guid
from au2.engines.protocol import UnpackedLayers
from au2.stores.content.protocol import Ingest, Manager
from au2.stores.database.content import repositories, uploads
from au2.stores.database.database import Database
from au2.stores.database.owners import find_jobs_of_deleted_organizations
from au2.stores.logs.protocol import LogStore

LEAST_GRACE_SECONDS = 3600.0
"""Builds of large runtimes take less."""
_MOST_NAMED = 20
_JOBS_AT_ONCE = 500
_UNNEEDED = "nothing needs it"
_LEASED = "leased: written or reused within the grace time"
ENDED = "its upload has ended"
QUIET = "nothing was added to it"
UNDER_WAY = "an upload under way"
YOUNG = "younger than the grace time"


class ResourceKind(StrEnum):
    """Kind of a resource."""

    BLOBS = "blobs"
    COMPRESSED = "forms of blobs"
    """Compressed forms: entries of blobs that another blob holds compressed."""
    UNFINISHED = "unfinished files"
    LAYERS = "unpacked layers"
    LOGS = "logs"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Row of a report: resources of one kind, fate and reason."""

    kind: ResourceKind
    goes: bool
    why: str
    number: int
    size_bytes: int | None
    """None: not counted."""

    def to_document(self) -> dict[str, object]:
        """Return the row as a JSON object."""
        return {
            "what": self.kind.value,
            "goes": self.goes,
            "why": self.why,
            "number": self.number,
            "bytes": self.size_bytes,
        }


@dataclass(slots=True)
class GCReport:
    """Report of a garbage collection: numbers and bytes by kind, fate and reason."""

    _numbers: dict[tuple[ResourceKind, bool, str], int] = field(default_factory=dict)
    _bytes: dict[tuple[ResourceKind, bool, str], int] = field(default_factory=dict)

    def stays(self, kind: ResourceKind, why: str, size_bytes: int | None = None) -> None:
        """Count a kept resource."""
        self._count((kind, False, why), 1, size_bytes)

    def goes(
        self, kind: ResourceKind, why: str, size_bytes: int | None = None, *, number: int = 1
    ) -> None:
        """Count removed resources."""
        self._count((kind, True, why), number, size_bytes)

    @property
    def freed_bytes(self) -> int:
        """Bytes of all removed resources, as far as they are counted."""
        return sum(size for (_, goes, _), size in self._bytes.items() if goes)

    def lines(self) -> Iterator[ReportRow]:
        """Yield rows of removed resources, then of kept ones, by kind."""
        order = list(ResourceKind)
        keys = sorted(self._numbers, key=lambda key: (not key[1], order.index(key[0]), key[2]))
        for key in keys:
            yield ReportRow(*key, self._numbers[key], self._bytes.get(key))

    def _count(
        self, key: tuple[ResourceKind, bool, str], number: int, size_bytes: int | None
    ) -> None:
        if number:
            self._numbers[key] = self._numbers.get(key, 0) + number
        if size_bytes is not None:
            self._bytes[key] = self._bytes.get(key, 0) + size_bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """Fate of an ingest, and its reason."""

    goes: bool
    why: str


class IngestPolicy:
    """Judges ingests by the uploads under way at the time of creation.

    Resumable ingests are named by their owner: a registry client's upload by its id, a blob of an
    image by the id of its process, followed by more. An upload's row is written before its first
    ingest, so a list of ingests made before the policy misses no upload. A client that resumes a
    removed ingest is told so, and sends the blob again.
    """

    def __init__(
        self, database: Database, at: datetime, *, now: float, grace_seconds: float
    ) -> None:
        """Read the uploads under way.

        Args:
            database: the installation's database.
            at: time of the database's clock.
            now: time of the file system's clock, in seconds since the epoch.
            grace_seconds: age of the last write after which an ingest is removed in any case.
        """
        self._oldest = now - grace_seconds
        with database.read() as transaction:
            self._under_way = {
                *repositories.list_blob_upload_ids(transaction),
                *uploads.list_receiving_processes(transaction, at=at),
            }

    def judge(self, ingest: Ingest) -> Verdict:
        """Return whether an ingest is removed, and why."""
        is_quiet = ingest.changed_at < self._oldest
        owner = None if ingest.name is None else ingest.name.partition("_")[0]
        if owner in self._under_way and not is_quiet:
            return Verdict(goes=False, why=UNDER_WAY)
        if owner is not None and is_guid(owner) and owner not in self._under_way:
            return Verdict(goes=True, why=ENDED)
        return Verdict(goes=is_quiet, why=QUIET if is_quiet else YOUNG)


@dataclass(frozen=True, slots=True)
class GCOptions:
    """Options of the operator."""

    grace_seconds: float
    """How long leases last, and unneeded resources stay; at least :data:`LEAST_GRACE_SECONDS`."""
    unused_seconds: float
    """Age of the last use after which dependency layers are not kept for later builds."""
    plan: bool = False
    """Change nothing, report planned removals."""
    ignore_damaged: bool = False
    """Go on although damaged images hide their references."""


class GarbageCollection:
    """Mark and sweep over blobs, ingests, unpacked layers and rows."""

    def __init__(
        self,
        database: Database,
        blobs: Manager,
        layers: UnpackedLayers,
        logs: LogStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._layers = layers
        self._logs = logs
        self._clock = clock

    def run(self, options: GCOptions) -> GCReport:
        """Remove unneeded resources, or plan their removal; return the report.

        Raises:
            Conflict: images are damaged, so their references are not known.
        """
        now = self._clock()
        cutoffs = Cutoffs(
            created_at=now - timedelta(seconds=options.grace_seconds),
            used_at=now - timedelta(seconds=options.unused_seconds),
        )
        live = find_live_set(self._database, self._blobs, cutoffs)
        if live.damaged and not options.ignore_damaged:
            raise _damaged(live)
        sweep = _Sweep(self._blobs, self._layers, live, options)
        sweep.blobs()
        sweep.compressed()
        found = list(self._blobs.list_ingests())
        # After the list: see IngestPolicy.
        policy = IngestPolicy(
            self._database, self._clock(), now=time.time(), grace_seconds=options.grace_seconds
        )
        sweep.ingests(found, policy)
        sweep.layers()
        self._sweep_logs(sweep.report, plan=options.plan)
        rows = StaleRowCleanup(self._database, cutoffs.created_at, now, plan=options.plan)
        cleared = rows.clear(
            is_gone=sweep.is_gone, has_bytes=lambda name: self._blobs.ingest_bytes(name) > 0
        )
        sweep.report.goes(ResourceKind.RECORDS, "their subject is gone", number=cleared)
        return sweep.report

    def _sweep_logs(self, report: GCReport, *, plan: bool) -> None:
        """Sweep logs of jobs of deleted organizations, whose jobs have all ended."""
        ids = self._logs.list_jobs()
        while page := tuple(islice(ids, _JOBS_AT_ONCE)):
            with self._database.read() as transaction:
                gone = find_jobs_of_deleted_organizations(transaction, page)
            for job_id in gone:
                report.goes(
                    ResourceKind.LOGS,
                    "their organization was deleted",
                    self._logs.job_bytes(job_id),
                )
                if not plan:
                    self._logs.remove(job_id)


class _Sweep:
    """Sweep: one pass over all resources."""

    def __init__(
        self, blobs: Manager, layers: UnpackedLayers, live: LiveSet, options: GCOptions
    ) -> None:
        self.report = GCReport()
        self._blobs = blobs
        self._layers = layers
        self._live = live
        self._plan = options.plan
        self._grace_seconds = options.grace_seconds

    def blobs(self) -> None:
        """Sweep blobs with bytes of their own."""
        for digest in self._blobs.list_digests():
            kind = self._live.blobs.find(digest)
            freed_bytes = None if kind else self._free(digest)
            if freed_bytes is not None:
                self.report.goes(ResourceKind.BLOBS, _UNNEEDED, freed_bytes)
                continue
            with suppress(BlobMissing):  # Removed by another process.
                self.report.stays(
                    ResourceKind.BLOBS, kind or _LEASED, self._blobs.size_bytes(digest)
                )

    def compressed(self) -> None:
        """Sweep compressed forms: an entry goes with the blob that holds the content."""
        for digest, compressed in self._blobs.list_compressed():
            if digest in self._live.blobs or not self.is_gone(compressed):
                self.report.stays(ResourceKind.COMPRESSED, "the blob that holds it stays")
            elif self._free(digest) is not None:
                self.report.goes(ResourceKind.COMPRESSED, "the blob that held it goes")

    def ingests(self, found: Sequence[Ingest], policy: IngestPolicy) -> None:
        """Sweep ingests: resumable ones, and leftover files of writers."""
        for one in found:
            verdict = policy.judge(one)
            goes = verdict.goes and (self._plan or self._blobs.remove_ingest(one))
            if goes:
                self.report.goes(ResourceKind.UNFINISHED, verdict.why, one.size_bytes)
            else:
                why = UNDER_WAY if verdict.goes else verdict.why
                self.report.stays(ResourceKind.UNFINISHED, why, one.size_bytes)

    def layers(self) -> None:
        """Sweep unpacked layers."""
        free = self._layers.unused_layer_bytes if self._plan else self._layers.remove_unused_layer
        # Measured for a plan only: every file of a layer is looked at.
        measure = self._layers.layer_bytes if self._plan else _not_measured
        for name in list(self._layers.list_layers()):
            if len(name) == 64 and f"sha256:{name}" in self._live.diff_ids:
                why = "images that may run have it"
                self.report.stays(ResourceKind.LAYERS, why, measure(name))
                continue
            freed_bytes = free(name, older_than_seconds=self._grace_seconds)
            if freed_bytes is None:
                why = "a container has it, or it is young"
                self.report.stays(ResourceKind.LAYERS, why, measure(name))
            else:
                self.report.goes(ResourceKind.LAYERS, "no image that may run has it", freed_bytes)

    def is_gone(self, digest: str) -> bool:
        """Whether a blob is not present, or will not be after the planned removals."""
        if digest in self._live.blobs:
            return False
        if not self._blobs.contains(digest):
            return True
        return self._plan and self._free(digest) is not None

    def _free(self, digest: str) -> int | None:
        act = self._blobs.expired_bytes if self._plan else self._blobs.remove_expired
        return act(digest, lease_seconds=self._grace_seconds)


def _not_measured(_name: str) -> None:
    return None


def _damaged(live: LiveSet) -> Conflict:
    owners = [root.owner for root in live.damaged]
    more = len(owners) - _MOST_NAMED
    return Conflict(
        "Some images can't be read, so their references are not known. Nothing was removed.",
        details=[
            *(Detail(owner) for owner in owners[:_MOST_NAMED]),
            *([Detail(f"and {more} more")] if more > 0 else []),
        ],
        hint="'au2-server fsck' says what to do. With --ignore-damaged they count as lost.",
    )
