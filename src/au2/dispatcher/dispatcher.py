"""The dispatcher: claims jobs, gives each a thread until its end, and renews the claims."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from au2.dispatcher.disk_space import DiskSpace
from au2.dispatcher.job_records import JobRecords, Timeline, parse_container_id
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.domain.errors import Au2Error, DatabaseUnavailable, LeaseLost, StorageFull
from au2.domain.jobs.job import Claim, JobState, JobType, Outcome, Reason
from au2.domain.throttle import LogThrottle
from au2.engines.protocol import Engine
from au2.execution.termination import Detached, ExecutionLimits, JobControl
from au2.stores.database.claims import release_claims, renew_claim, take_claims
from au2.stores.database.jobs import find_job
from au2.stores.database.runtimes import list_runtimes
from au2.stores.notices import EVERYTHING, JOBS, Notices, stop_topic

logger = logging.getLogger(__name__)

_MAX_FAULTS = 3
"""How often a fault of ours may break a job before it is ended."""


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
class ActiveJob:
    """A claimed job and the way to reach its thread."""

    claim: Claim
    control: JobControl


@dataclass(slots=True)
class Dispatcher:
    """Loop of claims. A stopped dispatcher leaves its running jobs running."""

    engine: Engine
    records: JobRecords
    notices: Notices
    run_job: RunJob
    upload_job: UploadJob
    options: DispatchOptions
    disk_space: DiskSpace
    expire_uploads: Callable[[], None]
    """Ends uploads without a sender; called regularly."""
    beat: Callable[[], None] = lambda: None
    """Called often by the main thread: a sign of life."""
    _jobs: dict[int, ActiveJob] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _faults: Counter[int] = field(default_factory=Counter, init=False)
    _next_chores: float = field(default=0.0, init=False)
    _clearing: Thread | None = field(default=None, init=False)
    _throttle: LogThrottle = field(default_factory=LogThrottle, init=False)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.options.concurrent_jobs, "job")

    def run(self, stop: Event, *, on_ready: Event | None = None) -> None:
        """Dispatch until ``stop`` is set; the notices' receiver is this thread.

        Raises:
            Unsupported: this machine can't run containers.
        """
        self.engine.open()
        # The last dispatcher of this name has ended: its server held the data directory's lock.
        self._release_claims()
        self._remove_leftovers(except_jobs=())
        Thread(target=self._prepare_runtimes, name="prepare", daemon=True).start()
        if on_ready is not None:
            on_ready.set()
        while not stop.is_set():
            self.beat()
            self._try("taking jobs", self._take_jobs)
            # Each step may wait half a minute for the database.
            self.beat()
            if time.monotonic() >= self._next_chores:
                self._try("housekeeping", self._chores)
            if not self._try("waiting for notices", self._listen):
                stop.wait(self.options.poll_seconds)
        self._leave()

    def _try(self, doing: str, step: Callable[[], None]) -> bool:
        """Do one step; no error in a step may end the dispatcher."""
        try:
            step()
        except (StorageFull, DatabaseUnavailable) as error:
            self._log_error("%s: %s", doing, error.message, kind=f"{doing}: {error.code}")
            return False
        except Exception as error:
            name = type(error).__name__
            if self._log_error("%s failed: %s: %s", doing, name, error, kind=f"{doing}: {name}"):
                logger.debug("the trace of it", exc_info=error)
            return False
        return True

    def _log_error(self, template: str, *values: object, kind: str) -> bool:
        return self._throttle.log(logger, template, *values, kind=kind, level=logging.ERROR)

    def _take_jobs(self) -> None:
        present = self._list_active()
        free = self.options.concurrent_jobs - len(present)
        if free <= 0:
            return
        records, options = self.records, self.options
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
                self.upload_job.begin(transaction, claim, at)
                if claim.job.type is JobType.UPLOAD
                else claim
                for claim in claims
            ]
        for claim in claims:
            active = ActiveJob(claim, JobControl())
            if claim.job.stop_requested_at is not None:
                active.control.stop.set()
            with self._lock:
                self._jobs[claim.job.id] = active
            self._threads.submit(self._move, active).add_done_callback(_log_crash)

    def _types(self) -> Collection[JobType]:
        """Return the job types allowed to begin: without disk space only uploads, which say so.

        Running jobs are taken up all the same: one of them may be filling the disk.
        """
        if self.disk_space.may_start():
            return tuple(JobType)
        self._log_error("the disk is full: jobs wait until there is space", kind="full disk")
        return (JobType.UPLOAD,)

    def _listen(self) -> None:
        """Wait until there may be new jobs, passing stop requests on meanwhile."""
        until = time.monotonic() + self.options.poll_seconds
        while (left := until - time.monotonic()) > 0:
            topics = self.notices.wait(left)
            jobs = self._list_active()
            for job_id, active in jobs.items():
                if stop_topic(job_id) in topics:
                    active.control.stop.set()
            if EVERYTHING in topics:
                self._renew(jobs)
            if topics & {JOBS, EVERYTHING}:
                return

    def _chores(self) -> None:
        jobs = self._list_active()
        self._next_chores = time.monotonic() + self.options.lease_seconds / 6
        self._renew(jobs)
        self.beat()
        self.expire_uploads()
        self.beat()
        if self._clearing is None or not self._clearing.is_alive():
            # It may take long: a job may have left millions of files.
            self._clearing = Thread(
                target=self._try,
                args=("clearing up", lambda: self._remove_leftovers(except_jobs=jobs)),
                name="clear",
                daemon=True,
            )
            self._clearing.start()

    def _renew(self, jobs: Mapping[int, ActiveJob]) -> None:
        """Prolong all claims and pass on stop requests whose notice was missed."""
        for job_id, active in jobs.items():
            try:
                with self.records.database.write() as transaction:
                    renew_claim(
                        transaction,
                        job_id,
                        active.claim.fencing_token,
                        at=self.records.clock(),
                        lease_seconds=self.options.lease_seconds,
                    )
                    job = find_job(transaction, job_id)
            except LeaseLost:
                active.control.detach.set()
                continue
            if job is not None and job.stop_requested_at is not None:
                active.control.stop.set()

    def _prepare_runtimes(self) -> None:
        """Unpack the runtimes' images, so no first run waits for an unpacking."""
        with self.records.database.read() as transaction:
            runtimes = list_runtimes(transaction, None)
        for runtime in runtimes:
            try:
                self.engine.prepare(runtime.image_digest)
            except Au2Error as error:
                logger.warning("can't unpack runtime %s: %s", runtime.name, error.message)

    def _remove_leftovers(self, *, except_jobs: Collection[int]) -> None:
        """Remove containers of ended attempts, left by a killed dispatcher."""
        for container_id in self.engine.list_containers():
            parsed = parse_container_id(container_id)
            if parsed is not None and (parsed[0] in except_jobs or self._is_wanted(*parsed)):
                continue
            try:
                self.engine.remove(container_id)
            except Au2Error as error:
                logger.warning("can't remove container %s: %s", container_id, error.message)

    def _is_wanted(self, job_id: int, number: int) -> bool:
        job = self.records.find_job(job_id)
        if job is None or job.state.is_final:
            return False
        return any(a.number == number and a.outcome is None for a in job.attempts)

    def _move(self, active: ActiveJob) -> None:
        claim = active.claim
        try:
            if claim.job.type is JobType.RUN:
                self.run_job.run(claim, active.control)
            else:
                self.upload_job.run(claim, active.control)
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
                self._jobs.pop(claim.job.id, None)
            # Another job may be waiting for a free thread.
            self.notices.send(JOBS)

    def _count_fault(self, claim: Claim) -> None:
        """End the job after some faults, so no job is lost or tried for ever."""
        self._faults[claim.job.id] += 1
        if self._faults[claim.job.id] < _MAX_FAULTS:
            return
        job = self.records.find_job(claim.job.id)
        if job is None or job.state.is_final:
            return
        text = "The platform failed again and again on this job. Ask your operator: see its log."
        outcome = Outcome(JobState.FAILED, Reason.ENGINE_LOST, text)
        timeline = Timeline(self.records.clock, claim.attempt.phases)
        self.records.finish(claim, outcome, timeline, was=job.state)

    def _leave(self) -> None:
        """Let running jobs run; the next dispatcher goes on with them."""
        for active in self._list_active().values():
            active.control.detach.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._try("releasing claims", self._release_claims)
        self.engine.close()

    def _list_active(self) -> dict[int, ActiveJob]:
        with self._lock:
            return dict(self._jobs)

    def _release_claims(self) -> None:
        with self.records.database.write() as transaction:
            release_claims(transaction, self.options.owner)


def _log_crash(future: Future[None]) -> None:
    """Log an exception not caught by ``_move``, in place of silence."""
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.error("a job's thread ended badly", exc_info=error)
