"""Jobs: submitting, reading, stopping."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from au2.app.jobs.run_requests import (
    WantedResources,
    check_arguments,
    check_environment,
    choose_resources,
    fit_arguments,
)
from au2.app.jobs.secret_references import check_secret_names, check_secret_references
from au2.app.lookup import (
    SharedJob,
    ensure_may_in,
    find_context,
    get_job,
    get_named_process,
    get_shared_job,
    list_all_jobs,
    list_jobs,
    process_command,
)
from au2.app.uploads.sessions import close_stopped_upload
from au2.app.versions.choice import choose_version
from au2.domain import clock as clocks
from au2.domain.accounts.account import Organization, Project
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import Conflict, InvalidRequest, LeaseLost, NotFound
from au2.domain.event import EventAction
from au2.domain.jobs.explanation import Explanation, explain_job
from au2.domain.jobs.job import (
    Job,
    JobState,
    JobType,
    Outcome,
    Reason,
    RunLimits,
    RunRequest,
    StateChange,
)
from au2.domain.jobs.waiting import Waiting, explain_waiting
from au2.domain.processes.version import Process, Version, VersionChoice, VersionType
from au2.stores.database import job_changes, jobs
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.database.job_lists import JobFilter
from au2.stores.database.jobs import find_position
from au2.stores.notices import DISPATCHER, JOBS, Notices, job_topic, stop_topic

HIDDEN = "***"
"""Shown in place of a value that the actor may not see."""
_STOPPED = Outcome(
    JobState.STOPPED, Reason.STOPPED, "It was stopped before it began; submit it again if needed."
)


@dataclass(frozen=True, slots=True)
class RunOrder:
    """Request of a run."""

    process: str
    """GUID, or a name that is unique in the context."""
    version: int | None = None
    """None: the newest published, else the newest available one."""
    latest: bool = False
    """Take the newest available version, published or not; goes without ``version``."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variable → name of a secret."""
    resources: WantedResources = field(default_factory=WantedResources)


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A job with its organization and project, for lists over several contexts."""

    job: Job
    organization: Organization | None
    project: Project | None


class Jobs:
    """Submission, reading and stopping of jobs."""

    def __init__(
        self,
        database: Database,
        notices: Notices,
        limits: RunLimits | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._notices = notices
        self._limits = limits or RunLimits()
        self._clock = clock

    def submit_run(self, actor: Actor, context: Context, order: RunOrder) -> Job:
        """Submit a run of a process; the job belongs to ``context``.

        Raises:
            NotPermitted: the actor is no runner there, or may not run the process.
            NotFound: there is no such process or version here.
            Conflict: the version has no image, or no version has one.
            InvalidRequest: arguments, environment, secrets or resources are not valid, or both
                ``latest`` and a version are given.
        """
        ensure_may_in(actor, Action.RUN_PROCESS, context)
        if order.latest and order.version is not None:
            raise InvalidRequest("Give either 'version' or 'latest', not both.")
        check_arguments(order.arguments, limit_bytes=self._limits.max_arguments_bytes)
        # Names that no version accepts; packaged versions accept fewer, checked with the version.
        check_environment(order.environment, any_name=True)
        schema, arguments = self._fit_arguments(actor, context, order)
        now = self._clock()
        with self._database.write() as transaction:
            process, version, choice = _choose(transaction, actor, context, order)
            if version.args_schema != schema:
                raise Conflict("The default version changed meanwhile.", hint="Try again.")
            _check_variables(order, version)
            resources = choose_resources(order.resources, version.resources, self._limits)
            check_secret_references(
                transaction,
                actor,
                context,
                defaults=version.environment,
                environment=order.environment,
                secrets=order.secrets,
            )
            request = RunRequest(arguments, order.environment, resources, order.secrets, choice)
            job = _insert_run(
                transaction,
                actor,
                context=context,
                process=process,
                version=version,
                request=request,
                at=now,
            )
        self._notices.send(JOBS)
        return job

    def _fit_arguments(
        self, actor: Actor, context: Context, order: RunOrder
    ) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
        """Return the schema of the version, and the arguments with its defaults.

        Checked before the writing transaction: a check may run in a subprocess.
        """
        with self._database.read() as transaction:
            process, version, _ = _choose(transaction, actor, context, order)
        hint = f"See what it takes: {process_command('args', process)}"
        if order.version is not None or order.latest:
            hint += f" --ver {version.number}"
        return version.args_schema, fit_arguments(order.arguments, version.args_schema, hint=hint)

    def list_jobs(
        self,
        actor: Actor,
        context: Context,
        wanted: JobFilter,
        *,
        limit: int,
        brief: bool = False,
    ) -> list[Job]:
        """Jobs of exactly this context, newest first. Raises NotPermitted.

        ``brief``: without request and output, which may be large.
        """
        action = Action.VIEW_JOB
        with self._database.read() as transaction:
            found = list_jobs(transaction, actor, action, context, wanted, limit=limit, brief=brief)
        return [_as_shown_to(actor, job) for job in found]

    def list_everywhere(
        self, actor: Actor, wanted: JobFilter, *, limit: int, brief: bool = False
    ) -> list[NamedJob]:
        """Jobs of all contexts that the actor's roles reach, newest first.

        ``brief``: as in :meth:`list_jobs`.
        """
        action = Action.VIEW_JOB
        with self._database.read() as transaction:
            found = list_all_jobs(transaction, actor, action, wanted, limit=limit, brief=brief)
            named = {
                context: find_context(transaction, context)
                for context in {job.context for job in found}
            }
        return [NamedJob(_as_shown_to(actor, job), *named[job.context]) for job in found]

    def get(self, actor: Actor, job_id: int) -> Job:
        """One job. Raises NotFound."""
        with self._database.read() as transaction:
            return _as_shown_to(actor, get_job(transaction, actor, Action.VIEW_JOB, job_id))

    def get_shared(self, job_id: int) -> SharedJob:
        """Read one job for several actors; each opens it by :meth:`open`. Raises NotFound."""
        with self._database.read() as transaction:
            return get_shared_job(transaction, job_id)

    def open(self, actor: Actor, job: SharedJob) -> Job:
        """Return a shared job as visible to this actor. Raises NotFound."""
        return _as_shown_to(actor, job.open(actor, Action.VIEW_JOB))

    def authorize_log(self, actor: Actor, job_id: int, attempt: int | None) -> tuple[Job, int]:
        """The job whose log is read, and the attempt: the one asked for, else the newest.

        Raises:
            NotFound: there is no such job or attempt.
        """
        job = self.get(actor, job_id)
        newest = max((tried.number for tried in job.attempts), default=1)
        if attempt is not None and not 1 <= attempt <= newest:
            raise NotFound(
                f"Job {job_id} has no attempt {attempt}.",
                hint=f"Its attempts are numbered from 1 to {newest}.",
            )
        return job, attempt or newest

    def get_output(self, actor: Actor, job_id: int) -> Mapping[str, Any]:
        """Return the output of the job's code. Raises NotFound."""
        job = self.get(actor, job_id)
        if job.output is None:
            raise NotFound(f"Job {job_id} has no output.", hint=_explain_lack_of_output(job))
        return job.output

    def stop(self, actor: Actor, job_id: int) -> Job:
        """Stop a job: at once if unclaimed, else by a request to its dispatcher.

        A job that has ended stays unchanged. Raises NotFound, NotPermitted.
        """
        now = self._clock()
        with self._database.write() as transaction:
            job = get_job(transaction, actor, Action.STOP_JOB, job_id)
            if job.state.is_final:
                return _as_shown_to(actor, job)
            if not _stop_unclaimed(transaction, actor, job, now):
                _ask_to_stop(transaction, actor, job, now)
            stopped = get_job(transaction, actor, Action.VIEW_JOB, job_id)
        self._notices.send(stop_topic(job_id))
        self._notices.send(job_topic(job_id))
        return _as_shown_to(actor, stopped)


def _explain_lack_of_output(job: Job) -> str:
    if job.type is JobType.UPLOAD:
        return "It is an upload; only runs give output."
    if not job.state.is_final:
        return f"It is {job.state}: wait for its end: au2 job wait {job.id}"
    if job.reason is not None:
        return f"It ended as {job.state} ({job.reason}). {job.reason_text or ''}".strip()
    return "Code gives output by writing a JSON object to the file AU_OUTPUT_FILE."


def _choose(
    transaction: Transaction, actor: Actor, context: Context, order: RunOrder
) -> tuple[Process, Version, VersionChoice]:
    process = get_named_process(transaction, actor, Action.RUN_PROCESS, context, order.process)
    version, choice = choose_version(transaction, process, order.version, latest=order.latest)
    return process, version, choice


def _check_variables(order: RunOrder, version: Version) -> None:
    """Refuse variables that the version's code can't receive. Raises InvalidRequest."""
    any_name = version.type is VersionType.IMAGE
    check_environment(order.environment, any_name=any_name)
    check_secret_names(order.secrets, order.environment, any_name=any_name)


def _insert_run(
    transaction: Transaction,
    actor: Actor,
    *,
    context: Context,
    process: Process,
    version: Version,
    request: RunRequest,
    at: datetime,
) -> Job:
    job_id = jobs.add_job(
        transaction,
        type=JobType.RUN,
        name=process.name,
        context=context,
        process_id=process.id,
        version_number=version.number,
        submitted_by=actor.email,
        at=at,
        ready=True,
        request=request,
    )
    subject = f"job:{job_id}"
    add_event(transaction, actor.email, EventAction.JOB_SUBMITTED, subject, context, at=at)
    # Put together here instead of read back: this is the straight path of every run.
    return Job(
        id=job_id,
        type=JobType.RUN,
        state=JobState.PENDING,
        name=process.name,
        context=context,
        process_id=process.id,
        version_number=version.number,
        submitted_by=actor.email,
        created_at=at,
        request=request,
    )


def _as_shown_to(actor: Actor, job: Job) -> Job:
    """The values of variables are for those who may give some: people put passwords there."""
    if job.request is None or actor.may(Action.RUN_PROCESS, job.context):
        return job
    hidden = dict.fromkeys(job.request.environment, HIDDEN)
    return replace(job, request=replace(job.request, environment=hidden))


def _stop_unclaimed(transaction: Transaction, actor: Actor, job: Job, at: datetime) -> bool:
    """Stop a job if no dispatcher has taken it; return whether the job was stopped."""
    if job.state is not JobState.PENDING or job.attempts:
        # An attempt may have left a container: only a dispatcher can clean that up.
        return False
    try:
        change = StateChange.end(JobState.PENDING, _STOPPED, at)
        job_changes.change_state(transaction, job, change, fencing_token=None, actor=actor.email)
    except LeaseLost:
        return False
    if job.type is JobType.UPLOAD:
        close_stopped_upload(transaction, job)
    return True


def _ask_to_stop(transaction: Transaction, actor: Actor, job: Job, at: datetime) -> None:
    job_changes.request_stop(transaction, job.id, at=at, by=actor.email)
    action, subject = EventAction.JOB_STOP_REQUESTED, f"job:{job.id}"
    add_event(transaction, actor.email, action, subject, job.context, at=at)


class JobWaiting:
    """Explanation of waiting for pending jobs."""

    def __init__(
        self,
        database: Database,
        notices: Notices,
        *,
        places: int,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        """``places`` is how many jobs the dispatcher works on at once."""
        self._database = database
        self._notices = notices
        self._places = places
        self._clock = clock

    def explain(self, job: Job) -> Explanation:
        """Explain a job's state; of others' jobs only their number is told."""
        return explain_job(job, self.find(job), self._clock())

    def find(self, job: Job) -> Waiting | None:
        """Return the reason for which a job waits; None: not pending.

        Of others' jobs only their number is told.
        """
        if job.state is not JobState.PENDING:
            return None
        with self._database.read() as transaction:
            position = find_position(transaction, job.id, at=self._clock())
        if position is None:
            return None
        has_dispatcher = self._notices.is_listening(DISPATCHER)
        return explain_waiting(position, places=self._places, has_dispatcher=has_dispatcher)
