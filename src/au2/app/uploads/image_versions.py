"""Image versions: which of them accept an image, and the upload and job of an image.

Two ways lead here, ``version upload`` and a push to the registry. Both make a session and a job, so
that whatever becomes of the image is explained in one place.
"""

from collections.abc import Callable
from datetime import datetime

from au2.app.jobs.jobs import note_submitted
from au2.app.lookup import get_process, get_version, process_command
from au2.app.uploads.sessions import job_of_upload
from au2.app.versions.versions import note_version
from au2.domain import clock as clocks
from au2.domain.errors import Conflict
from au2.domain.event import EventAction
from au2.domain.identity import Action, Actor
from au2.domain.ids import make_guid
from au2.domain.job import Job, JobType
from au2.domain.upload import ImageUpload, UploadState
from au2.domain.version import ImageStatus, Process, Version, VersionType
from au2.stores.database import job_changes, jobs, versions
from au2.stores.database.content import uploads
from au2.stores.database.database import Database, Transaction
from au2.stores.database.jobs import find_job
from au2.stores.notices import JOBS, Notices, job_topic


def get_image_version(
    transaction: Transaction, actor: Actor, process_id: str, number: int
) -> tuple[Process, Version]:
    """An image version that the actor may fill, whatever its status.

    Raises:
        NotFound: it is foreign or missing.
        NotPermitted: the actor is no developer.
        Conflict: it is made of a package.
    """
    process = get_process(transaction, actor, Action.UPLOAD_VERSION, process_id)
    version = get_version(transaction, process, number)
    if version.type is not VersionType.IMAGE:
        raise Conflict(
            f"Version {number} of '{process.name}' is made of a package and takes no image.",
            hint=_make_another(process),
        )
    return process, version


def ensure_takes_image(process: Process, version: Version) -> None:
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
            hint="If it is the same image, nothing is to be done. See how far it is: "
            f"au2 job show {version.upload_job_id}, or wait: au2 job wait {version.upload_job_id}",
        )


def find_image_digest(transaction: Transaction, version: Version) -> str | None:
    """The manifest's digest of the image that the version has or that is being imported."""
    if version.image_status not in {ImageStatus.BUILDING, ImageStatus.AVAILABLE}:
        return None
    upload = None
    if version.upload_job_id is not None:
        upload = uploads.find_upload_of_job(transaction, version.upload_job_id)
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
    """Make the session and the job of an image, and set the version UPLOADING.

    With ``manifest_digest`` everything has come already: the session is complete at once.
    """
    job_id = jobs.add_job(
        transaction,
        type=JobType.UPLOAD,
        name=process.name,
        context=process.context,
        process_id=process.id,
        version_number=version.number,
        submitted_by=actor.email,
        at=at,
        ready=False,
    )
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
    note_submitted(transaction, actor, job_id, process.context, at=at)
    return upload


def queue_import(
    transaction: Transaction, actor: Actor, process: Process, upload: ImageUpload, *, at: datetime
) -> None:
    """Everything has come: set the version BUILDING and let a dispatcher take the job."""
    version = get_version(transaction, process, upload.version_number)
    versions.change_image_status(transaction, version, ImageStatus.BUILDING)
    job_changes.make_ready(transaction, upload.job_id, at=at)
    note_version(transaction, actor, EventAction.VERSION_UPLOADED, process, version.number, at=at)


def upload_in_progress(transaction: Transaction, process: Process, version: Version) -> Conflict:
    """The error for a version that somebody is sending an image to."""
    job = None
    if version.upload_job_id is not None:
        job = jobs.find_job(transaction, version.upload_job_id)
    who = "Somebody" if job is None else job.submitted_by
    return Conflict(
        f"{who} is sending an image to version {version.number}.",
        hint=f"See how far it is: au2 job show {version.upload_job_id}. To send another one, "
        f"make a new version: {process_command('version create', process)}",
    )


def _make_another(process: Process) -> str:
    return f"Make a new version for it: {process_command('version create', process)}"


class PushedImages:
    """Lets them become images of versions."""

    def __init__(
        self, database: Database, notices: Notices, clock: Callable[[], datetime] = clocks.now
    ) -> None:
        self._database = database
        self._notices = notices
        self._clock = clock

    def import_image(self, actor: Actor, process_id: str, number: int, manifest_digest: str) -> Job:
        """Let an image that was pushed to the registry, blobs and manifest, become a version's.

        The same image once more gives the job that imports or imported it.

        Raises:
            NotFound: the version is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: the version takes no image, has another one, or one is on its way.
        """
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_image_version(transaction, actor, process_id, number)
            same = _find_same(transaction, version, manifest_digest)
            if same is not None:
                return same
            ensure_takes_image(process, version)
            if version.image_status is ImageStatus.UPLOADING:
                raise upload_in_progress(transaction, process, version)
            upload = begin_image(
                transaction,
                actor,
                process,
                version,
                at=now,
                lease_until=now,
                manifest_digest=manifest_digest,
            )
            queue_import(transaction, actor, process, upload, at=now)
            job = job_of_upload(transaction, upload)
        self._notices.send(JOBS)
        self._notices.send(job_topic(job.id))
        return job


def _find_same(transaction: Transaction, version: Version, manifest_digest: str) -> Job | None:
    """The job that brings or brought just this image to the version."""
    if version.upload_job_id is None:
        return None
    is_same = find_image_digest(transaction, version) == manifest_digest
    return find_job(transaction, version.upload_job_id) if is_same else None
