"""The dispatcher: claims jobs and gives each a thread until its end."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock, Thread

from au2.dispatcher.disk_space import DiskSpace
from au2.dispatcher.job_records import JobRecords, Timeline
from au2.dispatcher.maintenance import ActiveJob, Maintenance
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.domain.errors import DatabaseUnavailable, LeaseLost, StorageFull
from au2.domain.job import Claim, JobState, JobType, Outcome, Reason
from au2.engines.protocol import Engine
from au2.execution.termination import Detached, ExecutionLimits, JobControl
from au2.stores.database.claims import release_claims, take_claims
from au2.stores.notices import EVERYTHING, JOBS, Notices, stop_topic

logger = logging.getLogger(__name__)

_MAX_FAULTS = 3
"""How often a fault of ours may break a job before it is ended."""
_COMPLAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """Settings by the operator; see the settings reference."""

    owner: str
    """Name of this dispatcher. The next one of the same name takes over its jobs at once."""
    concurrent_jobs: int
    lease_seconds: float = 30.0
    poll_seconds: float = 1.0
    """How often to look for pending jobs without a notice."""
    limits: ExecutionLimits = ExecutionLimits()  # noqa: RUF009 (frozen)
    """Of each run job."""


@dataclass(frozen=True, slots=True)
class DispatcherDeps:
    """Dependencies of a dispatcher."""

    engine: Engine
    records: JobRecords
    notices: Notices
    run_job: RunJob
    upload_job: UploadJob
    maintenance: Maintenance
    options: DispatchOptions
    disk_space: DiskSpace
    beat: Callable[[], None] = lambda: None
    """Called often by the main thread: it lives."""


class Dispatcher:
    """Loop of claims. A stopped dispatcher leaves its running jobs running."""

    def __init__(self, deps: DispatcherDeps) -> None:
        self._deps = deps
        self._works: dict[int, ActiveJob] = {}
        self._lock = Lock()
        self._faults: Counter[int] = Counter()
        self._next_chores = 0.0
        self._clearing: Thread | None = None
        self._complained: dict[str, float] = {}
        self._threads = ThreadPoolExecutor(deps.options.concurrent_jobs, "job")

    def run(self, stop: Event, *, on_ready: Event | None = None) -> None:
        """ActiveJob until ``stop`` is set; the notices' receiver is this thread.

        Raises:
            Unsupported: this machine can't run containers.
        """
        self._deps.engine.open()
        # Whoever had this name is gone: the data directory is locked by its server.
        self._release_claims()
        self._deps.maintenance.remove_leftovers(except_jobs=())
        Thread(target=self._deps.maintenance.prepare_runtimes, name="prepare", daemon=True).start()
        if on_ready is not None:
            on_ready.set()
        while not stop.is_set():
            self._deps.beat()
            self._try("taking jobs", self._take_work)
            # Each step may wait half a minute for the database.
            self._deps.beat()
            if time.monotonic() >= self._next_chores:
                self._try("housekeeping", self._chores)
            if not self._try("waiting for notices", self._listen):
                stop.wait(self._deps.options.poll_seconds)
        self._leave()

    def _try(self, doing: str, step: Callable[[], None]) -> bool:
        """Do one step; no error in a step may end the dispatcher."""
        try:
            step()
        except (StorageFull, DatabaseUnavailable) as error:
            self._complain(f"{doing}: {error.message}")
            return False
        except Exception as error:
            if self._complain(f"{doing} failed: {type(error).__name__}: {error}"):
                logger.debug("the trace of it", exc_info=error)
            return False
        return True

    def _complain(self, text: str) -> bool:
        """Log a line, unless the same was logged a moment ago."""
        now = time.monotonic()
        if now < self._complained.get(text, -math.inf) + _COMPLAIN_SECONDS:
            return False
        recent = {told: at for told, at in self._complained.items() if now < at + _COMPLAIN_SECONDS}
        self._complained = {**recent, text: now}
        logger.error("%s", text)
        return True

    def _take_work(self) -> None:
        with self._lock:
            present = list(self._works)
        free = self._deps.options.concurrent_jobs - len(present)
        if free <= 0:
            return
        records, options = self._deps.records, self._deps.options
        at = records.clock()
        # Lost in a power cut, the job is claimed again: nothing of it has run before RUNNING is
        # written, and building may be repeated.
        with records.database.write(durable=False) as transaction:
            claims = take_claims(
                transaction,
                options.owner,
                limit=free,
                at=at,
                lease_seconds=options.lease_seconds,
                types=self._types(),
                except_jobs=present,
            )
            claims = [
                self._deps.upload_job.begin(transaction, claim, at)
                if claim.job.type is JobType.UPLOAD
                else claim
                for claim in claims
            ]
        for claim in claims:
            work = ActiveJob(claim, JobControl())
            if claim.job.stop_requested_at is not None:
                work.control.stop.set()
            with self._lock:
                self._works[claim.job.id] = work
            self._threads.submit(self._move, work).add_done_callback(_log_crash)

    def _types(self) -> Collection[JobType]:
        """Return the job types allowed to begin: without disk space only uploads, which say so.

        Running jobs are taken up all the same: one of them may be filling the disk.
        """
        if self._deps.disk_space.may_start():
            return tuple(JobType)
        self._complain("the disk is full: jobs wait until there is room")
        return (JobType.UPLOAD,)

    def _listen(self) -> None:
        """Wait until there may be new work, passing stop requests on meanwhile."""
        until = time.monotonic() + self._deps.options.poll_seconds
        while (left := until - time.monotonic()) > 0:
            topics = self._deps.notices.wait(left)
            with self._lock:
                works = dict(self._works)
            for job_id, work in works.items():
                if stop_topic(job_id) in topics:
                    work.control.stop.set()
            if EVERYTHING in topics:
                self._deps.maintenance.renew(works)
            if topics & {JOBS, EVERYTHING}:
                return

    def _chores(self) -> None:
        with self._lock:
            works = dict(self._works)
        self._next_chores = time.monotonic() + self._deps.options.lease_seconds / 6
        self._deps.maintenance.renew(works)
        self._deps.beat()
        self._deps.maintenance.expire_uploads()
        self._deps.beat()
        if self._clearing is None or not self._clearing.is_alive():
            # It may take long: a job may have left millions of files.
            self._clearing = Thread(
                target=self._try,
                args=("clearing up", lambda: self._clear(works)),
                name="clear",
                daemon=True,
            )
            self._clearing.start()

    def _clear(self, works: Mapping[int, ActiveJob]) -> None:
        self._deps.maintenance.remove_leftovers(except_jobs=works)

    def _move(self, work: ActiveJob) -> None:
        """Move one job, in its own thread."""
        claim = work.claim
        try:
            if claim.job.type is JobType.RUN:
                self._deps.run_job.run(claim, work.control)
            else:
                self._deps.upload_job.run(claim, work.control)
            self._faults.pop(claim.job.id, None)
        except (Detached, LeaseLost):
            logger.info("job %d is left to the next dispatcher", claim.job.id)
        except (StorageFull, DatabaseUnavailable) as error:
            # Its claim runs out, and it is taken up again then.
            logger.error("job %d goes on later: %s", claim.job.id, error.message)
        except Exception:
            logger.exception("job %d: a fault of the platform", claim.job.id)
            self._try("ending a job", lambda: self._count_fault(claim))
        finally:
            with self._lock:
                self._works.pop(claim.job.id, None)
            # The freed place may be what another job waits for.
            self._deps.notices.send(JOBS)

    def _count_fault(self, claim: Claim) -> None:
        """End the job after some faults, so no job is lost or tried for ever."""
        self._faults[claim.job.id] += 1
        if self._faults[claim.job.id] < _MAX_FAULTS:
            return
        job = self._deps.records.find_job(claim.job.id)
        if job is None or job.state.is_final:
            return
        text = "The platform failed again and again on this job. Ask your operator: see its log."
        outcome = Outcome(JobState.FAILED, Reason.ENGINE_LOST, text)
        timeline = Timeline(self._deps.records.clock, claim.attempt.phases)
        self._deps.records.finish(claim, outcome, timeline, was=job.state)

    def _leave(self) -> None:
        """Let running jobs run; the next dispatcher goes on with them."""
        with self._lock:
            works = dict(self._works)
        for work in works.values():
            work.control.detach.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._try("releasing claims", self._release_claims)
        self._deps.engine.close()

    def _release_claims(self) -> None:
        with self._deps.records.database.write() as transaction:
            release_claims(transaction, self._deps.options.owner)


def _log_crash(future: Future[None]) -> None:
    """Log an exception not caught by ``_move``, in place of silence."""
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.error("a job's thread ended badly", exc_info=error)
