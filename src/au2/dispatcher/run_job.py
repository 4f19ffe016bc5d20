"""Moves one run job: prepare → create → start → observe → collect → finish."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from au2.dispatcher.container_ids import make_container_id
from au2.dispatcher.disk_watch import DiskUsage, DiskWatch
from au2.dispatcher.job_records import JobRecords
from au2.dispatcher.job_secrets import JobSecrets, ResolvedSecrets, SecretMissing
from au2.dispatcher.log_capture import LogCapture
from au2.dispatcher.log_end import LogEnd
from au2.dispatcher.log_gaps import LIMIT_REACHED, count_gaps
from au2.dispatcher.log_room import LogRoom
from au2.dispatcher.options import DispatchOptions
from au2.dispatcher.platform_faults import describe_platform_fault
from au2.dispatcher.timeline import Timeline
from au2.dispatcher.watching import Watching
from au2.dispatcher.write_retry import WriteRetry
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
from au2.domain.job import Claim, JobState, Outcome, Reason, Resources
from au2.domain.version import Version, VersionType
from au2.domain.wording import as_sentence, format_bytes
from au2.engines.base import ContainerSpec, ContainerState, Engine, Observation
from au2.engines.rate_limiter import CpuShare
from au2.execution.control import JobControl, Stopped
from au2.execution.job_inputs import make_environment, make_files
from au2.execution.job_results import read_launcher, read_output, read_status
from au2.execution.memory_kills import describe_memory_kills
from au2.execution.outcome import Output, make_outcome
from au2.execution.output_check import check_output
from au2.execution.status import Status
from au2.execution.termination import TerminationPolicy, packaged_grace_seconds
from au2.secrets.masking import Masker
from au2.stores.logs.base import LogStore

_LEAST_SHARE = 0.1
"""Of a processor core, for following a job of little CPU and copying its log; others have half as
much as they asked for."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """How run jobs are moved; one instance for all."""

    engine: Engine
    logs: LogStore
    records: JobRecords
    options: DispatchOptions
    secrets: JobSecrets
    disk_usage: DiskUsage
    write_retry: WriteRetry

    def run(self, claim: Claim, control: JobControl) -> None:
        """Move a claimed job to its end. Raises Detached, LeaseLost, or a fault of ours."""
        version = self.records.find_version(claim.job)
        if version is None or version.image_digest is None or claim.job.request is None:
            outcome = Outcome(
                JobState.FAILED, Reason.IMAGE_MISSING, "The version was deleted meanwhile."
            )
            timeline = Timeline(self.records.clock)
            self.records.finish(claim, outcome, timeline, was=claim.job.state)
            return
        _Run(
            self,
            claim,
            control,
            version=version,
            image_digest=version.image_digest,
            resources=claim.job.request.resources,
        ).go()


class _Run:
    """One attempt of one run job."""

    def __init__(
        self,
        deps: RunJob,
        claim: Claim,
        control: JobControl,
        *,
        version: Version,
        image_digest: str,
        resources: Resources,
    ) -> None:
        self._deps = deps
        self._claim = claim
        self._control = control
        self._version = version
        self._image_digest = image_digest
        self._resources = resources
        self._id = make_container_id(claim.job, claim.attempt)
        self._state = claim.job.state
        self._timeline = Timeline(deps.records.clock, claim.attempt.phases)
        self._log_room = LogRoom(deps.engine, deps.disk_usage.disk_space, self._id)
        self._disk = DiskWatch(deps.disk_usage, self._id, deps.options.disk_limit_bytes)
        self._masker = Masker(())
        self._interrupter = self._make_interrupter()
        self._status = Status()

    def go(self) -> None:
        """Move it to its end, whatever way that is."""
        try:
            self._go()
        finally:
            self._disk.close()

    def _go(self) -> None:
        try:
            started = self._resume() if self._claim.resumed else self._begin()
            if started:
                self._finish(self._watch())
        except (LeaseLost, DatabaseUnavailable, StorageFull):
            # The job stays as it is: whoever claims it next goes on, when there is room again.
            raise
        except (BlobMissing, DigestMismatch) as error:
            self._platform_fault(Reason.IMAGE_MISSING, error)
        except SecretMissing as error:
            self._end_before_the_start(JobState.FAILED, Reason.START_FAILED, str(error))
        except InvalidImage as error:
            self._bad_image(error)
        except ArgumentListTooLong as error:
            self._refuse_to_start(error)
        except SecretUnreadable as error:
            # Of a container that runs: its log could not be masked, so nobody may see it.
            self._platform_fault(Reason.ENGINE_LOST, error)
        except Au2Error as error:
            self._platform_fault(Reason.START_FAILED, error)
        self._deps.engine.remove(self._id)

    # -- up to the start ---------------------------------------------------------------------

    def _begin(self) -> bool:
        """Create and start the container; whether it runs now."""
        engine, options = self._deps.engine, self._deps.options
        if self._stopped_early():
            return False
        self._timeline.begin("prepare")
        try:
            engine.prepare(self._image_digest, self._control.check)
        except Stopped:
            self._stopped_early()
            return False
        except StorageFull as error:
            # Not for want of room for jobs, which is looked at before: the image does not fit.
            self._platform_fault(Reason.START_FAILED, error)
            return False
        self._timeline.begin("create")
        secrets = self._deps.secrets.resolve(self._claim, self._version)
        self._open_log(secrets.variables.values())
        engine.create(
            ContainerSpec(
                container_id=self._id,
                image_digest=self._image_digest,
                environment=make_environment(
                    self._claim.job,
                    self._claim.attempt,
                    self._version,
                    secrets=secrets.variables,
                    stop_grace_seconds=options.stop_grace_seconds,
                    after_grace_seconds=options.after_grace_seconds,
                ),
                files=make_files(self._claim.job),
                resources=self._resources,
                hostname=f"job-{self._claim.job.id}",
                no_new_privileges=self._is_packaged,
                log_limit_bytes=options.log_limit_bytes,
            )
        )
        if self._stopped_early():
            return False
        self._timeline.begin("run")
        # RUNNING is written before the start: a PENDING job was certainly never started.
        self._mark_running(secrets)
        engine.start(self._id)
        return True

    def _resume(self) -> bool:
        """Find out how far an earlier dispatcher came; whether the container was started."""
        engine = self._deps.engine
        if self._state is JobState.PENDING:
            engine.remove(self._id)
            return self._begin()
        self._open_log(self._deps.secrets.held(self._claim))
        seen = engine.observe(self._id)
        if seen.state is not ContainerState.LOST:
            self._capture.resume(seen.log_bytes)
        if seen.state is ContainerState.CREATED:
            engine.start(self._id)
        return True

    def _open_log(self, values: Iterable[str]) -> None:
        """Begin to write the log; these values are not seen in what the code leaves behind."""
        self._masker = Masker(values)
        deps = self._deps
        pace = CpuShare(min(1.0, max(_LEAST_SHARE, self._resources.cpu / 2)))
        self._capture = LogCapture(
            deps.engine,
            deps.logs,
            deps.records.notices,
            claim=self._claim,
            container_id=self._id,
            pace=pace,
        )
        self._capture.mask(self._masker)

    def _mark_running(self, secrets: ResolvedSecrets) -> None:
        self._insist(
            lambda: self._deps.records.running(
                self._claim,
                self._timeline,
                container_id=self._id,
                image_digest=self._image_digest,
                secrets=secrets,
            )
        )
        self._state = JobState.RUNNING

    def _stopped_early(self) -> bool:
        if not self._control.stop.is_set():
            return False
        self._end_before_the_start(JobState.STOPPED, Reason.STOPPED, "Stopped before it ran.")
        return True

    def _end_before_the_start(self, state: JobState, reason: Reason, text: str) -> None:
        self._record(Outcome(state, reason, text))

    # -- while it runs -----------------------------------------------------------------------

    def _watch(self) -> Observation:
        """Follow the container to its end."""
        deps = self._deps
        return Watching(
            engine=deps.engine,
            container_id=self._id,
            stop_signal=lambda: deps.engine.stop_signal(self._image_digest),
            control=self._control,
            termination=self._interrupter,
            capture=self._capture,
            log_room=self._log_room,
            disk=self._disk,
            read_status=self._read_status,
            now=lambda: deps.records.clock().timestamp(),
        ).follow()

    def _make_interrupter(self) -> TerminationPolicy:
        options = self._deps.options
        grace_seconds = options.stop_grace_seconds
        if self._is_packaged:
            grace_seconds = packaged_grace_seconds(grace_seconds, options.after_grace_seconds)
        # Also right when taken over half-way.
        started_at = self._claim.attempt.started_at or self._deps.records.clock()
        deadline = started_at + timedelta(seconds=self._resources.timeout_seconds)
        return TerminationPolicy(
            deadline=deadline.timestamp(), grace_seconds=grace_seconds, repeat=self._is_packaged
        )

    @property
    def _is_packaged(self) -> bool:
        return self._version.type is VersionType.PACKAGED

    def _read_status(self) -> None:
        status = read_status(self._read_file, self._masker.mask_text)
        if status is not None and status != self._status:
            self._deps.records.status(self._claim, text=status.text, progress=status.progress)
            self._status = status

    # -- after the end -----------------------------------------------------------------------

    def _finish(self, seen: Observation) -> None:
        outcome, output = self._judge(seen)
        # Room first: what the code has written to the disk may be what the rest has no room for.
        self._deps.engine.release(self._id, file_limit_bytes=self._deps.options.output_limit_bytes)
        self._disk.close()
        self._complete_log(seen)
        used = self._used(seen)
        self._record(outcome, output=output, used=used)

    def _judge(self, seen: Observation) -> tuple[Outcome, Mapping[str, Any] | None]:
        """Return how it ended, and its output; what it left is read for the last time."""
        lost = seen.state is ContainerState.LOST
        if not lost:
            self._insist(self._read_status)
        limit_bytes = self._deps.options.output_limit_bytes
        output = Output() if lost else read_output(self._read_file, limit_bytes=limit_bytes)
        if seen.exit_code == 0:
            output = check_output(output, self._version.out_schema, self._masker.mask_value)
        outcome = make_outcome(
            seen,
            resources=self._resources,
            interruption=self._interrupter.interruption,
            launcher={} if lost else read_launcher(self._read_file),
            output=output,
            disk_text=self._interrupter.disk_text,
        )
        return outcome, self._masker.mask_value(output.value)

    def _complete_log(self, seen: Observation) -> None:
        """Copy the log to its end, with the platform's remarks; it is durable then."""
        LogEnd(
            self._deps.engine, self._id, self._capture, self._log_room, self._deps.write_retry
        ).complete(seen, self._control)
        if seen.log_truncated:
            limit = format_bytes(self._deps.options.log_limit_bytes)
            self._remark(f"{LIMIT_REACHED} of {limit}; the rest is not kept.")
        if kills := describe_memory_kills(seen, self._resources.memory_bytes):
            self._remark(kills)
        self._insist(self._capture.close)

    def _remark(self, text: str) -> None:
        self._insist(lambda: self._capture.remark(text))

    def _record(
        self,
        outcome: Outcome,
        *,
        output: Mapping[str, Any] | None = None,
        used: Mapping[str, float] | None = None,
    ) -> None:
        """Write down how the job ended, however long it takes until that can be done."""
        masked = self._masked(outcome)
        self._insist(
            lambda: self._deps.records.finish(
                self._claim, masked, self._timeline, was=self._state, output=output, used=used
            )
        )

    def _insist(self, write: Callable[[], object]) -> None:
        what = f"job {self._claim.job.id}"
        self._deps.write_retry.insist(write, self._control, what=what)

    def _used(self, seen: Observation) -> Mapping[str, float]:
        used: dict[str, float] = {
            "log_bytes": self._capture.stored_bytes,
            "out_of_memory_kills": seen.out_of_memory_kills,
            "log_gaps": count_gaps(self._deps.logs, self._claim.job.id, self._claim.attempt.number),
        }
        if seen.cpu_seconds is not None:
            used["cpu_seconds"] = seen.cpu_seconds
        if seen.memory_peak_bytes is not None:
            used["memory_peak_bytes"] = seen.memory_peak_bytes
        return used

    def _read_file(self, name: str, limit_bytes: int) -> bytes | None:
        return self._deps.engine.read_file(self._id, name, limit_bytes=limit_bytes)

    def _bad_image(self, error: InvalidImage) -> None:
        """End a job whose image can't be run: who made the image must hear why."""
        if self._is_packaged:
            # The platform made it.
            self._platform_fault(Reason.START_FAILED, error)
            return
        self._refuse_to_start(error)

    def _refuse_to_start(self, error: Au2Error) -> None:
        """End a job that was never started, through no fault of the platform."""
        text = f"{as_sentence(error.message)} {error.hint or ''}"
        self._record(Outcome(JobState.FAILED, Reason.START_FAILED, text.strip()))

    def _platform_fault(self, reason: Reason, error: Au2Error) -> None:
        text = describe_platform_fault(self._claim.job.id, error)
        self._record(Outcome(JobState.FAILED, reason, text))

    def _masked(self, outcome: Outcome) -> Outcome:
        """A sentence may quote what the code wrote."""
        if outcome.reason_text is None:
            return outcome
        return replace(outcome, reason_text=self._masker.mask_text(outcome.reason_text))
