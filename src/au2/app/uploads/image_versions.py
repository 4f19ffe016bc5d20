"""Image versions: which of them accept an image, and the upload and job of an image.

``version upload`` and a push to the registry both make an upload session and a job, so the fate of
an image is always explained by a job.
"""

from datetime import datetime

from au2.app.lookup import find_version_upload, get_process_version, process_command
from au2.app.uploads.sessions import add_upload_job
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import Conflict
from au2.domain.ids import make_guid
from au2.domain.jobs.job import Job
from au2.domain.processes.upload import ImageUpload, UploadState
from au2.domain.processes.version import ImageStatus, Process, Version, VersionType
from au2.stores.database import jobs, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Transaction


def get_image_version(
    transaction: Transaction, actor: Actor, process_id: str, number: int
) -> tuple[Process, Version]:
    """Return an image version for an upload, with its process.

    Raises:
        NotFound: the version is foreign or missing.
        NotPermitted: the actor is no developer.
        Conflict: the version is made of a package.
    """
    process, version = get_process_version(
        transaction, actor, Action.UPLOAD_VERSION, process_id, number
    )
    if version.type is not VersionType.IMAGE:
        raise Conflict(
            f"Version {number} of '{process.name}' is made of a package and accepts no image.",
            hint=f"Create a new version for it: {process_command('version create', process)}",
        )
    return process, version


def ensure_accepts_image(process: Process, version: Version) -> None:
    """Raise Conflict if the version has an image, or one is being imported."""
    name = f"Version {version.number} of '{process.name}'"
    if version.image_status is ImageStatus.AVAILABLE:
        raise Conflict(
            f"{name} has its image already, and an image never changes.",
            hint="If it is the same image, nothing is to be done. For another one: "
            f"{process_command('version create', process)}",
        )
    if version.image_status is ImageStatus.BUILDING:
        raise Conflict(
            f"{name} is being imported.",
            hint="If it is the same image, nothing is to be done. See its progress: "
            f"au2 job show {version.upload_job_id}, or wait: au2 job wait {version.upload_job_id}",
        )


def find_image_digest(transaction: Transaction, version: Version) -> str | None:
    """Return the manifest's digest of the version's image, stored or being imported."""
    if version.image_status not in {ImageStatus.BUILDING, ImageStatus.AVAILABLE}:
        return None
    upload = find_version_upload(transaction, version)
    return upload.manifest_digest if isinstance(upload, ImageUpload) else version.image_digest


def begin_image(
    transaction: Transaction,
    actor: Actor,
    process: Process,
    version: Version,
    *,
    at: datetime,
    lease_until: datetime,
    manifest_digest: str | None = None,
) -> ImageUpload:
    """Insert the upload session and the job of an image, and set the version UPLOADING.

    With ``manifest_digest``, of an image that is stored already, the session is complete at once.
    """
    job_id = add_upload_job(transaction, actor, process, version.number, process.context, at=at)
    versions.change_image_status(transaction, version, ImageStatus.UPLOADING, upload_job_id=job_id)
    upload = ImageUpload(
        id=make_guid(),
        organization_id=process.context.organization_id,
        process_id=process.id,
        version_number=version.number,
        job_id=job_id,
        user_id=actor.user_id,
        fencing_token=1,
        lease_until=lease_until,
        state=UploadState.OPEN if manifest_digest is None else UploadState.COMPLETE,
        created_at=at,
        manifest_digest=manifest_digest,
    )
    uploads.add_upload(transaction, upload)
    return upload


def upload_in_progress(transaction: Transaction, process: Process, version: Version) -> Conflict:
    """Return the error for a version that another user is sending an image to."""
    job = jobs.find_job(transaction, version.upload_job_id) if version.upload_job_id else None
    return Conflict(
        f"{'Another user' if job is None else job.submitted_by} is sending an image to version "
        f"{version.number}.",
        hint=f"See its progress: au2 job show {version.upload_job_id}. To send another image, "
        f"create a new version: {process_command('version create', process)}",
    )


def find_import(transaction: Transaction, version: Version, manifest_digest: str) -> Job | None:
    """Return the job that imports or imported just this image to the version."""
    if version.upload_job_id is None:
        return None
    is_same = find_image_digest(transaction, version) == manifest_digest
    return jobs.find_job(transaction, version.upload_job_id) if is_same else None
