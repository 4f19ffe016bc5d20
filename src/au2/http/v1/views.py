"""Views: domain objects as wire types."""

from typing import Any

from au2.app.accounts.accounts import Account
from au2.app.accounts.tokens import NewToken
from au2.app.members import NewMember
from au2.app.uploads.package_begin import OpenUpload, PackageComparison
from au2.domain.account import Member, Organization, Project, Token
from au2.domain.job import Attempt, Job, Resources
from au2.domain.runtime import Runtime
from au2.domain.secret import Secret
from au2.domain.version import Process, Version, explain_choice
from au2.domain.waiting import Waiting
from au2.wire.account import (
    AccountView,
    MemberAdded,
    MembershipView,
    MemberView,
    NewTokenView,
    OrganizationView,
    ProjectView,
    TokenView,
)
from au2.wire.documents import format_document
from au2.wire.job import (
    AttemptView,
    JobView,
    NewerVersionView,
    PhaseView,
    ResourcesView,
    VersionChoiceView,
    WaitingView,
)
from au2.wire.process import ProcessView, RuntimeView, VersionView
from au2.wire.secret import SecretView
from au2.wire.upload import UploadComparison, UploadView


def view_token(token: Token) -> TokenView:
    """A token without its secret."""
    return TokenView(**_token_fields(token))


def view_new_token(new: NewToken) -> NewTokenView:
    """A token with its secret: shown once."""
    return NewTokenView(**_token_fields(new.token), token=new.secret)


def _token_fields(token: Token) -> dict[str, Any]:
    names = ("id", "kind", "name", "created_at", "expires_at", "last_used_at")
    return {name: getattr(token, name) for name in names}


def view_account(account: Account) -> AccountView:
    """Who one is."""
    return AccountView(
        id=account.id,
        email=account.email,
        is_operator=account.is_operator,
        memberships=[
            MembershipView(
                organization=membership.context.organization_id,
                organization_name=membership.organization_name,
                project=membership.context.project_id,
                project_name=membership.project_name,
                role=membership.role,
            )
            for membership in account.memberships
        ],
    )


def view_organization(organization: Organization) -> OrganizationView:
    """An organization."""
    return OrganizationView(
        id=organization.id, name=organization.name, created_at=organization.created_at
    )


def view_project(project: Project) -> ProjectView:
    """A project."""
    return ProjectView(
        id=project.id,
        name=project.name,
        organization=project.organization_id,
        created_at=project.created_at,
    )


def view_member(member: Member) -> MemberView:
    """A member."""
    return MemberView(
        email=member.email,
        role=member.membership.role,
        project=member.membership.context.project_id,
    )


def view_new_member(new: NewMember) -> MemberAdded:
    """A member just added."""
    return MemberAdded(
        **format_document(view_member(new.member)), initial_password=new.initial_password
    )


def view_runtime(runtime: Runtime) -> RuntimeView:
    """A runtime."""
    owner = runtime.context
    return RuntimeView(
        id=runtime.id,
        name=runtime.name,
        language=runtime.language,
        version=runtime.version,
        image_digest=runtime.image_digest,
        organization=None if owner is None else owner.organization_id,
        project=None if owner is None else owner.project_id,
        created_at=runtime.created_at,
        retired_at=runtime.retired_at,
    )


def view_process(process: Process) -> ProcessView:
    """A process."""
    return ProcessView(
        id=process.id,
        name=process.name,
        description=process.description,
        organization=process.context.organization_id,
        project=process.context.project_id,
        tags=list(process.tags),
        created_at=process.created_at,
        created_by=process.created_by,
        updated_at=process.updated_at,
        updated_by=process.updated_by,
    )


def view_version(version: Version) -> VersionView:
    """A version."""
    runtime = version.runtime
    return VersionView(
        process=version.process_id,
        id=version.number,
        type=version.type,
        description=version.description,
        image_status=version.image_status,
        image_digest=version.image_digest,
        published_at=version.published_at,
        published_by=version.published_by,
        created_at=version.created_at,
        created_by=version.created_by,
        runtime=None if runtime is None else runtime.runtime_id,
        runtime_version=None if runtime is None else runtime.runtime_version,
        upload_job=version.upload_job_id,
        environment=None if version.environment is None else dict(version.environment),
        dependencies=None if version.dependencies is None else dict(version.dependencies),
        args_schema=None if version.args_schema is None else dict(version.args_schema),
        out_schema=None if version.out_schema is None else dict(version.out_schema),
        resources=None if version.resources is None else dict(version.resources),
    )


def view_secret(secret: Secret) -> SecretView:
    """A secret, without its value."""
    return SecretView(
        id=secret.id,
        name=secret.name,
        description=secret.description,
        organization=secret.context.organization_id,
        project=secret.context.project_id,
        has_value=secret.has_value,
        created_at=secret.created_at,
        created_by=secret.created_by,
        updated_at=secret.updated_at,
        updated_by=secret.updated_by,
    )


def view_upload(opened: OpenUpload) -> UploadView:
    """An upload session."""
    upload = opened.upload
    return UploadView(
        id=upload.id,
        process=upload.process_id,
        version=upload.version_number,
        job=upload.job_id,
        fence=upload.fencing_token,
        lacking=opened.missing,
        runtime_version=opened.runtime_version,
        newest_runtime_version=opened.newest_runtime_version,
    )


def view_comparison(comparison: PackageComparison) -> UploadComparison:
    """A package beside what its process has."""
    return UploadComparison(
        process=comparison.process_id,
        equal_version=comparison.equal_version,
        runtime_version=comparison.runtime_version,
        newest_runtime_version=comparison.newest_runtime_version,
    )


def view_job(job: Job, waiting: Waiting | None = None) -> JobView:
    """A job record, and what the job waits for if that was looked up."""
    request = job.request
    return JobView(
        id=job.id,
        type=job.type,
        state=job.state,
        reason=job.reason,
        reason_text=job.reason_text,
        name=job.name,
        organization=job.context.organization_id,
        project=job.context.project_id,
        process=job.process_id,
        version=job.version_number,
        version_choice=_view_choice(job),
        submitted_by=job.submitted_by,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        exit_code=job.exit_code,
        arguments=None if request is None else dict(request.arguments),
        environment=None if request is None else dict(request.environment),
        secrets=None if request is None else dict(request.secrets),
        resources=None if request is None else _view_resources(request.resources),
        output=None if job.output is None else dict(job.output),
        status_text=job.status_text,
        progress=job.progress,
        stop_requested_at=job.stop_requested_at,
        attempts=[_view_attempt(attempt) for attempt in job.attempts],
        waiting=None if waiting is None else view_waiting(waiting),
    )


def view_waiting(waiting: Waiting) -> WaitingView:
    """What a pending job waits for."""
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
    return VersionChoiceView(
        rule=choice.rule.value,
        text=explain_choice(job.version_number, choice),
        newer=[
            NewerVersionView(
                version=version.number,
                image_status=version.image_status,
                upload_job=version.upload_job_id,
            )
            for version in choice.newer
        ],
    )


def _view_resources(resources: Resources) -> ResourcesView:
    return ResourcesView(
        cpu=resources.cpu,
        memory_bytes=resources.memory_bytes,
        processes=resources.processes,
        timeout_seconds=resources.timeout_seconds,
        network=resources.network,
        shared_memory_bytes=resources.shared_memory_bytes,
    )


def _view_attempt(attempt: Attempt) -> AttemptView:
    outcome = attempt.outcome
    return AttemptView(
        number=attempt.number,
        created_at=attempt.created_at,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        state=None if outcome is None else outcome.state,
        reason=None if outcome is None else outcome.reason,
        reason_text=None if outcome is None else outcome.reason_text,
        exit_code=None if outcome is None else outcome.exit_code,
        image_digest=attempt.image_digest,
        phases=[
            PhaseView(name=phase.name, started_at=phase.started_at, ended_at=phase.ended_at)
            for phase in attempt.phases
        ],
        used=dict(attempt.used),
    )
