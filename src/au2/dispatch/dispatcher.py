"""The dispatcher: claims jobs and gives each a thread until it ends."""

import logging
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock, Thread

from au2.dispatch.control import Detached, JobControl
from au2.dispatch.housekeeping import Housekeeping, Work
from au2.dispatch.options import DispatchOptions
from au2.dispatch.records import Records
from au2.dispatch.run_job import RunJob
from au2.dispatch.timeline import Timeline
from au2.dispatch.upload_job import UploadJob
from au2.domain.errors import LeaseLost, StorageFull
from au2.domain.job import Ending, JobState, JobType, Reason
from au2.engines.base import Engine
from au2.notices.base import EVERYTHING, JOBS, Notices, stop_topic
from au2.storage.claims import Claim, release_claims, take_claims

logger = logging.getLogger(__name__)

_MAX_FAULTS = 3
"""How often a fault of ours may break a job before it is ended."""


@dataclass(frozen=True, slots=True)
class DispatchKit:
    """All that a dispatcher works with."""

    engine: Engine
    records: Records
    notices: Notices
    run_job: RunJob
    upload_job: UploadJob
    housekeeping: Housekeeping
    options: DispatchOptions


class Dispatcher:
    """Moves jobs until it is told to stop. Jobs that still run then are left running."""

    def __init__(self, kit: DispatchKit) -> None:
        self._kit = kit
        self._works: dict[int, Work] = {}
        self._lock = Lock()
        self._faults: Counter[int] = Counter()
        self._threads = ThreadPoolExecutor(kit.options.concurrent_jobs, "job")

    def run(self, stop: Event, *, on_ready: Event | None = None) -> None:
        """Work until ``stop`` is set; the notices' receiver is this thread.

        Raises:
            Unsupported: this machine can't run containers.
        """
        self._kit.engine.open()
        with self._kit.records.database.write() as transaction:
            # Whoever had this name is gone: the data directory is locked by its server.
            release_claims(transaction, self._kit.options.owner)
        self._kit.housekeeping.remove_leftovers(except_jobs=())
        Thread(target=self._kit.housekeeping.prepare_runtimes, name="prepare", daemon=True).start()
        if on_ready is not None:
            on_ready.set()
        next_chores = 0.0
        while not stop.is_set():
            try:
                self._take_work()
                if time.monotonic() >= next_chores:
                    self._chores()
                    next_chores = time.monotonic() + self._kit.options.lease_seconds / 6
            except StorageFull as error:
                logger.error("the disk is full: %s", error.message)
                stop.wait(self._kit.options.poll_seconds)
            self._listen()
        self._leave()

    def _take_work(self) -> None:
        with self._lock:
            free = self._kit.options.concurrent_jobs - len(self._works)
        if free <= 0:
            return
        records, options = self._kit.records, self._kit.options
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
            )
            claims = [
                self._kit.upload_job.begin(transaction, claim, at)
                if claim.job.type is JobType.UPLOAD
                else claim
                for claim in claims
            ]
        for claim in claims:
            work = Work(claim, JobControl())
            if claim.job.stop_requested_at is not None:
                work.control.stop.set()
            with self._lock:
                self._works[claim.job.id] = work
            self._threads.submit(self._move, work).add_done_callback(_log_crash)

    def _listen(self) -> None:
        """Wait until there may be new work, passing stop requests on meanwhile."""
        until = time.monotonic() + self._kit.options.poll_seconds
        while (left := until - time.monotonic()) > 0:
            topics = self._kit.notices.wait(left)
            with self._lock:
                works = dict(self._works)
            for job_id, work in works.items():
                if stop_topic(job_id) in topics:
                    work.control.stop.set()
            if EVERYTHING in topics:
                self._kit.housekeeping.renew(works)
            if topics & {JOBS, EVERYTHING}:
                return

    def _chores(self) -> None:
        with self._lock:
            works = dict(self._works)
        self._kit.housekeeping.renew(works)
        self._kit.housekeeping.expire_uploads()
        self._kit.housekeeping.remove_leftovers(except_jobs=works)

    def _move(self, work: Work) -> None:
        """Move one job, in its own thread."""
        claim = work.claim
        try:
            if claim.job.type is JobType.RUN:
                self._kit.run_job.run(claim, work.control)
            else:
                self._kit.upload_job.run(claim, work.control)
            self._faults.pop(claim.job.id, None)
        except (Detached, LeaseLost):
            logger.info("job %d is left to the next dispatcher", claim.job.id)
        except StorageFull:
            # Its claim runs out, and it is taken up again then.
            logger.error("job %d: the disk is full; it goes on when there is room", claim.job.id)
        except Exception:
            logger.exception("job %d: a fault of the platform", claim.job.id)
            self._count_fault(claim)
        finally:
            with self._lock:
                self._works.pop(claim.job.id, None)
            # The freed place may be what another job waits for.
            self._kit.notices.send(JOBS)

    def _count_fault(self, claim: Claim) -> None:
        """After some faults end the job, so that it is neither lost nor tried for ever."""
        self._faults[claim.job.id] += 1
        if self._faults[claim.job.id] < _MAX_FAULTS:
            return
        job = self._kit.records.find_job(claim.job.id)
        if job is None or job.state.is_final:
            return
        text = "The platform failed again and again on this job. Ask your operator: see its log."
        ending = Ending(JobState.FAILED, Reason.ENGINE_LOST, text)
        timeline = Timeline(self._kit.records.clock, claim.attempt.phases)
        self._kit.records.finish(claim, ending, timeline, was=job.state)

    def _leave(self) -> None:
        """Let running jobs run; the next dispatcher goes on with them."""
        with self._lock:
            works = dict(self._works)
        for work in works.values():
            work.control.detach.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._kit.records.database.write() as transaction:
            release_claims(transaction, self._kit.options.owner)
        self._kit.engine.close()


def _log_crash(future: Future[None]) -> None:
    """``_move`` catches what it can; what is left is written down, not swallowed."""
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.error("a job's thread ended badly", exc_info=error)
