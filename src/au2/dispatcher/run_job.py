"""Execution of run jobs: prepare, create, start, supervise, record."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from au2.dispatcher.disk_space import DiskUsage, DiskWatch
from au2.dispatcher.faults import WriteRetry, describe_platform_fault
from au2.dispatcher.job_log import JobLog, count_gaps
from au2.dispatcher.job_records import JobRecords, Timeline, make_container_id
from au2.dispatcher.job_secrets import JobSecrets, ResolvedSecrets, SecretMissing
from au2.dispatcher.log_capture import LogCapture
from au2.domain.errors import (
    ArgumentListTooLong,
    Au2Error,
    BlobMissing,
    DatabaseUnavailable,
    DigestMismatch,
    InvalidImage,
    LeaseLost,
    SecretUnreadable,
    StorageFull,
)
from au2.domain.jobs.job import Claim, JobState, Outcome, Reason, Resources
from au2.domain.processes.version import Version, VersionType
from au2.engines.protocol import ContainerSpec, ContainerState, Engine, Observation
from au2.engines.rate_limiter import CpuShare
from au2.execution.execution import ContainerExecution
from au2.execution.job_inputs import make_environment, make_files
from au2.execution.job_results import Status
from au2.execution.outcome import mask_outcome
from au2.execution.supervise import RunHooks, Supervisor
from au2.execution.termination import ExecutionLimits, JobControl, Stopped, TerminationPolicy
from au2.secrets.masking import Masker
from au2.stores.logs.protocol import LogStore

_LEAST_SHARE = 0.1
"""Of a processor core, to supervise a job of little CPU and copy its log; for other jobs, half of
the CPU that they asked for."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """Executor of run jobs; one instance for all."""

    engine: Engine
    logs: LogStore
    records: JobRecords
    limits: ExecutionLimits
    secrets: JobSecrets
    disk_usage: DiskUsage
    write_retry: WriteRetry

    def run(self, claim: Claim, control: JobControl) -> None:
        """Execute a claimed job until its end. Raises Detached, LeaseLost, or a platform fault."""
        version = self.records.find_version(claim.job)
        if version is None or version.image_digest is None or claim.job.request is None:
            text = "The version was deleted meanwhile."
            outcome = Outcome(JobState.FAILED, Reason.IMAGE_MISSING, text)
            timeline = Timeline(self.records.clock)
            self.records.finish(claim, outcome, timeline, was=claim.job.state)
            return
        resources = claim.job.request.resources
        _Attempt(self, claim, control, version, version.image_digest, resources).execute()


@dataclass
class _Attempt:
    """One attempt of one run job."""

    deps: RunJob
    claim: Claim
    control: JobControl
    version: Version
    image_digest: str
    resources: Resources

    def __post_init__(self) -> None:
        self._limits = self.deps.limits
        self._id = make_container_id(self.claim.job, self.claim.attempt)
        self._state = self.claim.job.state
        self._timeline = Timeline(self.deps.records.clock, self.claim.attempt.phases)
        self._disk = DiskWatch(self.deps.disk_usage, self._id, self._limits.disk_bytes)
        self._masker = Masker(())

    def execute(self) -> None:
        """Execute the attempt until its end."""
        try:
            self._execute()
        finally:
            self._disk.close()

    def _execute(self) -> None:
        try:
            started = self._resume() if self.claim.resumed else self._begin()
            if started:
                self._supervise()
        except (LeaseLost, DatabaseUnavailable, StorageFull):
            # The job stays as it is: the next claim goes on, when there is space again.
            raise
        except (BlobMissing, DigestMismatch) as error:
            self._fail_by_platform(Reason.IMAGE_MISSING, error)
        except SecretMissing as error:
            self._end_early(JobState.FAILED, Reason.START_FAILED, str(error))
        except InvalidImage as error:
            self._fail_for_image(error)
        except ArgumentListTooLong as error:
            self._end_early(JobState.FAILED, Reason.START_FAILED, error.explanation)
        except SecretUnreadable as error:
            # Of a running container: its log could not be masked, so no user may see the log.
            self._fail_by_platform(Reason.ENGINE_LOST, error)
        except Au2Error as error:
            self._fail_by_platform(Reason.START_FAILED, error)
        self.deps.engine.remove(self._id)

    # -- before the start --------------------------------------------------------------------

    def _begin(self) -> bool:
        """Create and start the container; return whether both succeeded."""
        engine = self.deps.engine
        if self._stopped_early():
            return False
        self._timeline.begin("prepare")
        try:
            engine.prepare(self.image_digest, self.control.check)
        except Stopped:
            self._stopped_early()
            return False
        except StorageFull as error:
            # Space for jobs was checked before the claim, so the image does not fit.
            self._fail_by_platform(Reason.START_FAILED, error)
            return False
        self._timeline.begin("create")
        secrets = self.deps.secrets.resolve(self.claim, self.version)
        self._open_log(secrets.variables.values())
        engine.create(self._make_spec(secrets))
        if self._stopped_early():
            return False
        self._timeline.begin("run")
        # RUNNING is written before the start: a PENDING job was certainly never started.
        self._mark_running(secrets)
        engine.start(self._id)
        return True

    def _make_spec(self, secrets: ResolvedSecrets) -> ContainerSpec:
        job = self.claim.job
        return ContainerSpec(
            container_id=self._id,
            image_digest=self.image_digest,
            environment=make_environment(
                job, self.claim.attempt, self.version, self._limits, secrets=secrets.variables
            ),
            files=make_files(job),
            resources=self.resources,
            hostname=f"job-{job.id}",
            no_new_privileges=self._is_packaged,
            log_limit_bytes=self._limits.log_bytes,
        )

    def _resume(self) -> bool:
        """Go on after an earlier dispatcher; return whether the container was started."""
        engine = self.deps.engine
        if self._state is JobState.PENDING:
            engine.remove(self._id)
            return self._begin()
        self._open_log(self.deps.secrets.held(self.claim))
        seen = engine.observe(self._id)
        if seen.state is not ContainerState.LOST:
            self._capture.resume(seen.log_bytes)
        if seen.state is ContainerState.CREATED:
            engine.start(self._id)
        return True

    def _open_log(self, secret_values: Iterable[str]) -> None:
        self._masker = Masker(secret_values)
        deps = self.deps
        self._capture = LogCapture(
            deps.engine,
            deps.logs,
            deps.records.notices,
            claim=self.claim,
            container_id=self._id,
            cpu_share=CpuShare(min(1.0, max(_LEAST_SHARE, self.resources.cpu / 2))),
        )
        self._capture.mask(self._masker)

    def _mark_running(self, secrets: ResolvedSecrets) -> None:
        self._persist(
            lambda: self.deps.records.running(
                self.claim,
                self._timeline,
                container_id=self._id,
                image_digest=self.image_digest,
                secrets=secrets,
            )
        )
        self._state = JobState.RUNNING

    def _stopped_early(self) -> bool:
        if not self.control.stop.is_set():
            return False
        self._end_early(JobState.STOPPED, Reason.STOPPED, "Stopped before it ran.")
        return True

    # -- from the start on -------------------------------------------------------------------

    def _supervise(self) -> None:
        deps = self.deps
        result = Supervisor(
            ContainerExecution(deps.engine, self._id, self.image_digest),
            self._make_hooks(),
            self.control,
            self._make_termination(),
            resources=self.resources,
            out_schema=self.version.out_schema,
            output_limit_bytes=self._limits.output_bytes,
            now=lambda: deps.records.clock().timestamp(),
        ).supervise()
        used = self._measure(result.observation)
        self._record(result.outcome, output=result.output, used=used)

    def _make_hooks(self) -> RunHooks:
        deps = self.deps
        log = JobLog(
            deps.engine,
            self._id,
            self._capture,
            deps.disk_usage.disk_space,
            deps.write_retry,
            self.control,
            memory_bytes=self.resources.memory_bytes,
            log_limit_bytes=self._limits.log_bytes,
        )
        return RunHooks(
            log=log,
            masker=self._masker,
            write_status=self._write_status,
            persist=self._persist,
            check_disk=self._disk.check,
            on_end=self._release,
        )

    def _make_termination(self) -> TerminationPolicy:
        # The attempt's own start counts, also after a take-over.
        started_at = self.claim.attempt.started_at or self.deps.records.clock()
        deadline = started_at + timedelta(seconds=self.resources.timeout_seconds)
        return TerminationPolicy.make(
            self._limits, deadline=deadline.timestamp(), is_packaged=self._is_packaged
        )

    def _write_status(self, status: Status) -> None:
        self.deps.records.status(self.claim, text=status.text, progress=status.progress)

    def _release(self) -> None:
        self.deps.engine.release(self._id, file_limit_bytes=self._limits.output_bytes)
        self._disk.close()

    @property
    def _is_packaged(self) -> bool:
        return self.version.type is VersionType.PACKAGED

    # -- the end -----------------------------------------------------------------------------

    def _record(
        self,
        outcome: Outcome,
        *,
        output: Mapping[str, Any] | None = None,
        used: Mapping[str, float] | None = None,
    ) -> None:
        """Write the outcome to the job's record, with retries."""
        self._persist(
            lambda: self.deps.records.finish(
                self.claim, outcome, self._timeline, was=self._state, output=output, used=used
            )
        )

    def _persist(self, write: Callable[[], object]) -> None:
        name = f"job {self.claim.job.id}"
        self.deps.write_retry.run(write, self.control, name=name)

    def _measure(self, seen: Observation) -> Mapping[str, float]:
        job_id, number = self.claim.job.id, self.claim.attempt.number
        used: dict[str, float] = {
            "log_bytes": self._capture.stored_bytes,
            "out_of_memory_kills": seen.out_of_memory_kills,
            "log_gaps": count_gaps(self.deps.logs, job_id, number),
        }
        if seen.cpu_seconds is not None:
            used["cpu_seconds"] = seen.cpu_seconds
        if seen.memory_peak_bytes is not None:
            used["memory_peak_bytes"] = seen.memory_peak_bytes
        return used

    def _end_early(self, state: JobState, reason: Reason, text: str) -> None:
        """Record the outcome of an attempt without a result of its container."""
        self._record(mask_outcome(Outcome(state, reason, text), self._masker))

    def _fail_for_image(self, error: InvalidImage) -> None:
        """Fail a job with a bad image: the user hears why, unless the platform made the image."""
        if self._is_packaged:
            self._fail_by_platform(Reason.START_FAILED, error)
        else:
            self._end_early(JobState.FAILED, Reason.START_FAILED, error.explanation)

    def _fail_by_platform(self, reason: Reason, error: Au2Error) -> None:
        text = describe_platform_fault(self.claim.job.id, error)
        self._end_early(JobState.FAILED, reason, text)
