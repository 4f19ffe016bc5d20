"""Periodic work of a dispatcher beside jobs: renew claims, look for stops, clear up."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from au2.dispatcher.job_records import parse_container_id
from au2.domain.errors import Au2Error, LeaseLost
from au2.domain.job import Claim
from au2.engines.protocol import Engine
from au2.execution.termination import JobControl
from au2.stores.database.claims import renew_claim
from au2.stores.database.database import Database
from au2.stores.database.jobs import find_job
from au2.stores.database.runtimes import list_runtimes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A claimed job and the way to reach its thread."""

    claim: Claim
    control: JobControl


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The regular chores. ``expire_uploads`` ends uploads whose owner went away."""

    database: Database
    engine: Engine
    clock: Callable[[], datetime]
    lease_seconds: float
    expire_uploads: Callable[[], None]

    def renew(self, works: Mapping[int, ActiveJob]) -> None:
        """Prolong all claims and pass on stop requests whose notice was missed."""
        for job_id, work in works.items():
            try:
                with self.database.write() as transaction:
                    renew_claim(
                        transaction,
                        job_id,
                        work.claim.fencing_token,
                        at=self.clock(),
                        lease_seconds=self.lease_seconds,
                    )
                    job = find_job(transaction, job_id)
            except LeaseLost:
                work.control.detach.set()
                continue
            if job is not None and job.stop_requested_at is not None:
                work.control.stop.set()

    def prepare_runtimes(self) -> None:
        """Unpack the runtimes' images, so no first run waits for an unpacking."""
        with self.database.read() as transaction:
            runtimes = list_runtimes(transaction, None)
        for runtime in runtimes:
            try:
                self.engine.prepare(runtime.image_digest)
            except Au2Error as error:
                logger.warning("can't unpack runtime %s: %s", runtime.name, error.message)

    def remove_leftovers(self, *, except_jobs: Collection[int]) -> None:
        """Remove containers whose attempt has ended: a dispatcher was killed in between.

        ``except_jobs`` are being worked on and not looked at.
        """
        for container_id in self.engine.list_containers():
            parsed = parse_container_id(container_id)
            if parsed is not None and (parsed[0] in except_jobs or self._is_wanted(*parsed)):
                continue
            try:
                self.engine.remove(container_id)
            except Au2Error as error:
                logger.warning("can't remove container %s: %s", container_id, error.message)

    def _is_wanted(self, job_id: int, number: int) -> bool:
        with self.database.read() as transaction:
            job = find_job(transaction, job_id)
        if job is None or job.state.is_final:
            return False
        return any(a.number == number and a.outcome is None for a in job.attempts)
