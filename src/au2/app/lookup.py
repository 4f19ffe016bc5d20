"""Look-up with permission: each call names the action on the entity of a context.

A foreign object answers exactly like a missing one; an own object with too few rights answers "not
permitted". Use cases get processes, versions, jobs, secrets, runtimes and organizations here and
nowhere else (``tests/architecture/test_lookup.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from au2.domain.accounts.account import Organization, Project
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor, Role, is_allowed
from au2.domain.accounts.secret import Secret
from au2.domain.errors import Conflict, Detail, NotFound, NotPermitted
from au2.domain.ids import is_guid, parse_guid
from au2.domain.jobs.job import Job
from au2.domain.processes.runtime import Runtime
from au2.domain.processes.upload import Upload
from au2.domain.processes.version import Process, Version
from au2.stores.database import accounts, job_lists, jobs, processes, runtimes, secrets, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Transaction
from au2.stores.database.job_lists import JobFilter
from au2.stores.database.queries import Key

_LARGEST_JOB_ID = 2**63 - 1
_LARGEST_NUMBER = 2**31 - 1


def not_permitted(action: Action, context: Context) -> NotPermitted:
    """Return the error for an own object and too few rights, naming the weakest role allowed."""
    role = next(role for role in Role if is_allowed(role, action))
    owner = "organization" if context.project_id is None else "project"
    return NotPermitted(
        f"This needs the role '{role}' or a stronger one in the {owner}.",
        hint="Ask an admin of the organization for that role.",
    )


def ensure_may(actor: Actor, action: Action, context: Context) -> None:
    """Refuse unless ``actor`` may do ``action`` to objects of ``context``, which is visible.

    Raises:
        NotPermitted: naming the needed role.
    """
    if not actor.may(action, context):
        raise not_permitted(action, context)


def ensure_may_in(actor: Actor, action: Action, context: Context) -> None:
    """Refuse unless the actor's role reaches ``context`` itself: for new objects there.

    A member of a project may use objects of the organization above, but creates none there.

    Raises:
        NotPermitted: naming the needed role.
    """
    role = actor.role_in(context)
    if role is None or not is_allowed(role, action):
        raise not_permitted(action, context)


def authorize(
    actor: Actor, action: Action, context: Context, *, view: Action, missing: NotFound
) -> None:
    """Refuse ``action`` on an object of ``context``, by ``missing`` where ``view`` is refused too.

    Raises:
        NotFound: ``missing``; the object is foreign.
        NotPermitted: the object is visible, and the actor's role is too weak.
    """
    if not actor.may(view, context):
        raise missing
    ensure_may(actor, action, context)


# -- processes and their versions ------------------------------------------------------------------


def get_process(transaction: Transaction, actor: Actor, action: Action, process_id: str) -> Process:
    """Return the process of a GUID, for ``action``.

    Raises:
        InvalidRequest: ``process_id`` is no GUID.
        NotFound: the process is foreign or missing.
        NotPermitted: the actor's role is too weak for ``action``.
    """
    wanted = parse_guid(process_id)
    process = processes.find_process(transaction, wanted)
    missing = _no_process(wanted)
    if process is None:
        raise missing
    authorize(actor, action, process.context, view=Action.VIEW_PROCESS, missing=missing)
    return process


def get_named_process(
    transaction: Transaction, actor: Actor, action: Action, context: Context, text: str
) -> Process:
    """Return the process of a GUID, or of a name unique in ``context``.

    Raises:
        NotFound: no process of this name is visible.
        NotPermitted: the actor's role is too weak for ``action``.
        Conflict: several processes have the name; the error lists them.
    """
    if is_guid(text.strip()):
        wanted = parse_guid(text)
        found = processes.find_process(transaction, wanted)
        missing, named = _no_process(wanted), [] if found is None else [found]
    else:
        named = processes.list_processes(transaction, context, name=text.strip())
        missing = _no_process(text)
    visible = [
        process
        for process in named
        if context.sees(process.context) and actor.may(Action.VIEW_PROCESS, process.context)
    ]
    if not visible:
        raise missing
    if len(visible) > 1:
        raise Conflict(
            f"{len(visible)} processes are named '{text}'.",
            hint="Name the process by its GUID.",
            details=[Detail(f"{process.id} {process.name}") for process in visible],
        )
    ensure_may(actor, action, visible[0].context)
    return visible[0]


def list_processes(
    transaction: Transaction,
    actor: Actor,
    action: Action,
    context: Context,
    *,
    name: str | None = None,
    tag: str | None = None,
    after: Key | None = None,
    limit: int | None = None,
) -> list[Process]:
    """Return the processes visible in ``context``, or a part of them. Raises NotPermitted."""
    ensure_may(actor, action, context)
    return processes.list_processes(
        transaction, context, name=name, tag=tag, after=after, limit=limit
    )


def list_own_processes(
    transaction: Transaction, actor: Actor, action: Action, context: Context, name: str
) -> list[Process]:
    """Return the processes of a name in ``context`` itself. Raises NotPermitted.

    Processes of the organization, which are visible in its projects too, are left out there.
    """
    ensure_may_in(actor, action, context)
    found = processes.list_processes(transaction, context, name=name)
    return [process for process in found if process.context == context]


def get_version(transaction: Transaction, process: Process, number: int) -> Version:
    """Return one version of a process, which was looked up for an action. Raises NotFound."""
    version = None
    if 0 < number <= _LARGEST_NUMBER:
        version = versions.find_version(transaction, process.id, number)
    if version is None:
        raise NotFound(
            f"The process '{process.name}' has no version {number}.",
            hint=f"See: {process_command('version list', process)}",
        )
    return version


def get_process_version(
    transaction: Transaction, actor: Actor, action: Action, process_id: str, number: int
) -> tuple[Process, Version]:
    """Return a process and one of its versions, for ``action``. Raises as :func:`get_process`."""
    process = get_process(transaction, actor, action, process_id)
    return process, get_version(transaction, process, number)


def find_version_upload(transaction: Transaction, version: Version) -> Upload | None:
    """Return the upload of a version, which was looked up for an action."""
    job_id = version.upload_job_id
    return None if job_id is None else uploads.find_upload_of_job(transaction, job_id)


def process_command(command: str, process: Process) -> str:
    """Return ``au2 process COMMAND`` for this process, quoted for a shell: for hints."""
    return f"au2 process {command} {quote(process.name)}"


def _no_process(text: str) -> NotFound:
    return NotFound(f"There is no process '{text}' in this context.", hint="See: au2 process list")


# -- jobs ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SharedJob:
    """A job record read once for several actors; each opens the job for an action."""

    _job: Job

    def open(self, actor: Actor, action: Action) -> Job:
        """Return the job. Raises NotFound, NotPermitted."""
        return _open_job(self._job, actor, action)


def get_shared_job(transaction: Transaction, job_id: int) -> SharedJob:
    """Return a job still to be opened. Raises NotFound."""
    return SharedJob(_find_job(transaction, job_id))


def get_job(transaction: Transaction, actor: Actor, action: Action, job_id: int) -> Job:
    """Return a job, for ``action``. Raises NotFound, NotPermitted."""
    return _open_job(_find_job(transaction, job_id), actor, action)


def _find_job(transaction: Transaction, job_id: int) -> Job:
    job = jobs.find_job(transaction, job_id) if 0 < job_id <= _LARGEST_JOB_ID else None
    if job is None:
        raise _no_job(job_id)
    return job


def _open_job(job: Job, actor: Actor, action: Action) -> Job:
    missing = _no_job(job.id)
    authorize(actor, action, job.context, view=Action.VIEW_JOB, missing=missing)
    return job


def list_jobs(
    transaction: Transaction,
    actor: Actor,
    action: Action,
    context: Context,
    wanted: JobFilter,
    *,
    limit: int,
    brief: bool,
) -> list[Job]:
    """Return jobs of exactly this context, newest first. Raises NotPermitted."""
    ensure_may(actor, action, context)
    return job_lists.list_jobs(transaction, context, wanted, limit=limit, brief=brief)


def list_all_jobs(
    transaction: Transaction,
    actor: Actor,
    action: Action,
    wanted: JobFilter,
    *,
    limit: int,
    brief: bool,
) -> list[Job]:
    """Return jobs of all contexts in which the actor may do ``action``, newest first."""
    owners = actor.list_reached(action)
    return job_lists.list_jobs_of_owners(transaction, owners, wanted, limit=limit, brief=brief)


def _no_job(job_id: int) -> NotFound:
    return NotFound(
        f"There is no job {job_id} that you may see.", hint="See: au2 job list --all-contexts"
    )


# -- secrets ---------------------------------------------------------------------------------------


def get_secret(
    transaction: Transaction, actor: Actor, action: Action, context: Context, name: str
) -> Secret:
    """Return the secret of a name in ``context``: its own, else the organization's.

    Raises:
        NotFound: no secret of this name is visible.
        NotPermitted: the actor's role is too weak for ``action`` on the secret.
    """
    ensure_may(actor, Action.VIEW_SECRET, context)
    found = secrets.find_secret(transaction, context, name)
    if found is None:
        raise _no_secret(name)
    ensure_may(actor, action, found.context)
    return found


def get_own_secret(
    transaction: Transaction, actor: Actor, action: Action, context: Context, name: str
) -> Secret:
    """Return the secret of a name in ``context`` itself: for every change.

    Raises:
        NotFound: the context itself has no secret of this name.
        NotPermitted: the actor's role in the context itself is too weak for ``action``.
    """
    ensure_may_in(actor, action, context)
    found = secrets.find_own_secret(transaction, context, name)
    if found is not None:
        return found
    hint = None
    if secrets.find_secret(transaction, context, name) is not None:
        hint = (
            "One of this name belongs to the organization; change it there: "
            f"au2 context set {context.organization_id}"
        )
    raise _no_secret(name, hint)


def list_secrets(
    transaction: Transaction, actor: Actor, action: Action, context: Context
) -> list[Secret]:
    """Return the secrets usable in ``context``, by name. Raises NotPermitted."""
    ensure_may(actor, action, context)
    return secrets.list_secrets(transaction, context)


def _no_secret(name: str, hint: str | None = None) -> NotFound:
    return NotFound(
        f"There is no secret '{name[:200]}' in this context.", hint=hint or "See: au2 secret list"
    )


# -- runtimes --------------------------------------------------------------------------------------


def get_runtime(transaction: Transaction, actor: Actor, action: Action, runtime_id: str) -> Runtime:
    """Return the runtime of a GUID, also a retired one. Raises NotFound, NotPermitted."""
    wanted = parse_guid(runtime_id)
    found = runtimes.find_runtime(transaction, wanted)
    missing = NotFound(f"There is no runtime {wanted}.", hint="See: au2 runtime list")
    if found is None:
        raise missing
    if found.context is not None:
        authorize(actor, action, found.context, view=Action.VIEW_RUNTIME, missing=missing)
    return found


def get_named_runtime(
    transaction: Transaction, actor: Actor, action: Action, context: Context, text: str
) -> Runtime:
    """Return the runtime of a GUID or a name in ``context``, for new versions.

    Raises:
        NotPermitted: the actor's role in the context is too weak for ``action``.
        NotFound: no runtime of this name is visible in the context.
        Conflict: several runtimes have the name (the error lists them), or the runtime is retired.
    """
    ensure_may(actor, action, context)
    named = _list_named_runtimes(transaction, context, text.strip())
    in_use = [runtime for runtime in named if runtime.retired_at is None]
    if not named:
        raise NotFound(
            f"There is no runtime '{text}' in this context.", hint="See: au2 runtime list"
        )
    if not in_use:
        raise _retired(named[0])
    if len(in_use) > 1:
        raise Conflict(
            f"{len(in_use)} runtimes are named '{text}'.",
            hint="Name the runtime by its GUID.",
            details=[Detail(f"{runtime.id} {runtime.name}") for runtime in in_use],
        )
    return in_use[0]


def list_runtimes(
    transaction: Transaction, actor: Actor, action: Action, context: Context, *, name: str | None
) -> list[Runtime]:
    """Return the runtimes usable in ``context``. Raises NotPermitted."""
    ensure_may(actor, action, context)
    return runtimes.list_runtimes(transaction, context, name=name)


def _list_named_runtimes(
    transaction: Transaction, context: Context, text: str
) -> Sequence[Runtime]:
    if not is_guid(text):
        return runtimes.list_runtimes(transaction, context, name=text, with_retired=True)
    found = runtimes.find_runtime(transaction, parse_guid(text))
    if found is None or not (found.context is None or context.sees(found.context)):
        return ()
    return (found,)


def _retired(runtime: Runtime) -> Conflict:
    return Conflict(
        f"The runtime '{runtime.name}' ({runtime.id}) is retired: nothing new is built on it. "
        "Versions that were built on it run as before.",
        hint="Choose another one in aunsight.yml: au2 runtime list",
    )


# -- organizations ---------------------------------------------------------------------------------


def get_organization(
    transaction: Transaction, actor: Actor, action: Action, organization: str
) -> Organization:
    """Return the organization of a GUID. Raises NotFound: foreign or missing."""
    organization_id = parse_guid(organization)
    found = accounts.find_organization(transaction, organization_id)
    missing = no_organization(organization_id)
    if found is None:
        raise missing
    authorize(actor, action, Context(organization_id), view=action, missing=missing)
    return found


def find_context(
    transaction: Transaction, context: Context
) -> tuple[Organization | None, Project | None]:
    """Return organization and project of a context of the actor's own, or of the operator's."""
    organization = accounts.find_organization(transaction, context.organization_id)
    if context.project_id is None:
        return organization, None
    return organization, accounts.find_project(transaction, context.project_id)


def no_organization(organization_id: str) -> NotFound:
    """Return the error for a foreign or missing organization."""
    return NotFound(f"There is no organization {organization_id}.", hint="See: au2 context list")
