"""Views: wire types made of the domain's entities."""

from collections.abc import Mapping
from typing import Any, TypeVar

from au2.app.accounts.accounts import Account
from au2.app.accounts.tokens import NewToken
from au2.app.jobs.jobs import NamedJob
from au2.app.members import NewMember
from au2.app.processes import ProcessSummary
from au2.app.uploads.image_uploads import BegunImage
from au2.app.uploads.package_begin import OpenUpload, PackageComparison
from au2.domain.accounts.account import Member, Project
from au2.domain.accounts.context import Context
from au2.domain.jobs.explanation import Explanation
from au2.domain.jobs.job import Attempt, Job
from au2.domain.jobs.waiting import Waiting
from au2.domain.processes.runtime import Runtime, RuntimeBuild
from au2.domain.processes.upload import Upload
from au2.domain.processes.version import Process, Version, explain_choice
from au2.wire.account import (
    AccountView,
    MemberAdded,
    MembershipView,
    MemberView,
    NewTokenView,
    ProjectView,
)
from au2.wire.base import WireType
from au2.wire.job import (
    AttemptView,
    JobExplanation,
    JobView,
    NewerVersionView,
    PhaseView,
    ResourcesView,
    SpanView,
    VersionChoiceView,
    WaitingView,
)
from au2.wire.process import (
    LastRunView,
    PackageView,
    ProcessOverview,
    ProcessView,
    RuntimeView,
    VersionView,
)
from au2.wire.upload import ImageUploadView, UploadComparison, UploadView

_View = TypeVar("_View", bound=WireType)


def view(kind: type[_View], entity: object, **fields: Any) -> _View:
    """Return a view of an entity: its attributes by the names of the fields, but for ``fields``.

    The context of an entity gives the fields ``organization`` and ``project``. Mappings and tuples
    of entities are read-only; the view gets dicts and lists, as JSON has them.
    """
    if hasattr(entity, "context"):
        context: Context | None = entity.context
        fields["organization"] = None if context is None else context.organization_id
        fields["project"] = None if context is None else context.project_id
    rest = {name: _plain(getattr(entity, name)) for name in kind.fields_ if name not in fields}
    return kind(**rest, **fields)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def view_new_token(new: NewToken) -> NewTokenView:
    """A token with its secret, which no other response holds."""
    return view(NewTokenView, new.token, token=new.secret)


def view_account(account: Account) -> AccountView:
    """The actor's account with all roles."""
    memberships = [view(MembershipView, membership) for membership in account.memberships]
    return view(AccountView, account, memberships=memberships)


def view_project(project: Project) -> ProjectView:
    """A project."""
    return view(ProjectView, project, organization=project.organization_id)


def view_member(member: Member) -> MemberView:
    """A member."""
    membership = member.membership
    return MemberView(
        email=member.email, role=membership.role, project=membership.context.project_id
    )


def view_new_member(new: NewMember) -> MemberAdded:
    """A member just added."""
    return view(MemberAdded, view_member(new.member), initial_password=new.initial_password)


def view_process(process: Process, summary: ProcessSummary | None = None) -> ProcessView:
    """A process; with its versions and last run if given."""
    overview = None if summary is None else _view_summary(summary)
    return view(ProcessView, process, overview=overview)


def _view_summary(summary: ProcessSummary) -> ProcessOverview:
    versions, run = summary.versions, summary.last_run
    return ProcessOverview(
        newest_version=None if versions is None else versions.newest,
        newest_status=None if versions is None else versions.newest_status,
        published_version=None if versions is None else versions.published,
        last_run=None if run is None else view(LastRunView, run),
    )


def view_runtime(runtime: Runtime, build: RuntimeBuild | None = None) -> RuntimeView:
    """A runtime; with its packages if its newest version is given."""
    packages = None if build is None else [_view_package(package) for package in build.packages]
    if packages is not None:
        packages.sort(key=lambda package: (package.kind, package.name))
    return view(RuntimeView, runtime, packages=packages)


def _view_package(package: Mapping[str, Any]) -> PackageView:
    # Builds from before there were Python packages name no kind.
    known = {"architecture": "", "sha256": "", "kind": "debian", **package}
    return PackageView(**{name: known[name] for name in PackageView.fields_})


def view_version(version: Version) -> VersionView:
    """A version."""
    runtime = version.runtime
    return view(
        VersionView,
        version,
        process=version.process_id,
        version=version.number,
        runtime=None if runtime is None else runtime.runtime_id,
        runtime_version=None if runtime is None else runtime.runtime_version,
        upload_job=version.upload_job_id,
    )


def view_upload(opened: OpenUpload) -> UploadView:
    """A package upload with its missing contents."""
    return view(UploadView, opened, **_session(opened.upload), missing=opened.missing)


def view_image_upload(begun: BegunImage) -> ImageUploadView:
    """An image upload, and how often its sender must renew the lease."""
    platform = begun.platform
    return view(
        ImageUploadView,
        begun,
        **_session(begun.upload),
        architecture=platform.architecture,
        variant=platform.variant,
    )


def _session(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "process": upload.process_id,
        "version": upload.version_number,
        "upload_job": upload.job_id,
        "fencing_token": upload.fencing_token,
    }


def view_comparison(comparison: PackageComparison) -> UploadComparison:
    """A package beside the newest version of its process."""
    return view(UploadComparison, comparison, process=comparison.process_id)


def view_job(job: Job, waiting: Waiting | None = None) -> JobView:
    """A job's record; with the cause of waiting if given."""
    request = job.request
    run: dict[str, Any] = dict.fromkeys(("arguments", "environment", "secrets", "resources"))
    if request is not None:
        run = {name: _plain(getattr(request, name)) for name in run}
        run["resources"] = view(ResourcesView, request.resources)
    return view(
        JobView,
        job,
        **run,
        organization_name=None,
        project_name=None,
        process=job.process_id,
        version=job.version_number,
        version_choice=_view_choice(job),
        attempts=[_view_attempt(attempt) for attempt in job.attempts],
        waiting=None if waiting is None else view_waiting(waiting),
    )


def view_named_job(named: NamedJob) -> JobView:
    """A job's record with the names of its organization and project."""
    return view_job(named.job).replaced(
        organization_name=None if named.organization is None else named.organization.name,
        project_name=None if named.project is None else named.project.name,
    )


def view_explanation(job: Job, explanation: Explanation) -> JobExplanation:
    """The explanation of a job's state."""
    waiting = explanation.waiting
    return JobExplanation(
        job=job.id,
        state=job.state.value,
        code=explanation.code.value,
        text=explanation.text,
        hint=explanation.hint,
        timeline=[view(SpanView, span) for span in explanation.timeline],
        waiting=None if waiting is None else view_waiting(waiting),
    )


def view_waiting(waiting: Waiting) -> WaitingView:
    """The cause of waiting of a pending job."""
    return WaitingView(
        code=waiting.code.value,
        text=waiting.text,
        jobs_before=waiting.position.jobs_before,
        jobs_taken=waiting.position.jobs_taken,
        places=waiting.places,
    )


def _view_choice(job: Job) -> VersionChoiceView | None:
    choice = None if job.request is None else job.request.version_choice
    if choice is None:
        return None
    newer = [
        view(NewerVersionView, version, version=version.number, upload_job=version.upload_job_id)
        for version in choice.newer
    ]
    text = explain_choice(job.version_number, choice)
    return VersionChoiceView(rule=choice.rule.value, text=text, newer=newer)


def _view_attempt(attempt: Attempt) -> AttemptView:
    outcome = attempt.outcome
    names = ("state", "reason", "reason_text", "exit_code")
    ended = {name: None if outcome is None else getattr(outcome, name) for name in names}
    phases = [view(PhaseView, phase) for phase in attempt.phases]
    return view(AttemptView, attempt, **ended, phases=phases)
