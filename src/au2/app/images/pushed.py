"""Images that came to a version by a push to the registry: blobs and manifest are there already."""

from collections.abc import Callable
from datetime import datetime

from au2.app.images.versions import (
    begin_image,
    being_sent,
    ensure_takes_image,
    find_image_digest,
    get_image_version,
    let_import,
)
from au2.app.upload_sessions import job_of_upload
from au2.domain import clock as clocks
from au2.domain.identity import Actor
from au2.domain.job import Job
from au2.domain.version import ImageStatus, Version
from au2.stores.database.database import Database, Transaction
from au2.stores.database.jobs import find_job
from au2.stores.notices.base import JOBS, Notices, job_topic


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
                raise being_sent(transaction, process, version)
            upload = begin_image(
                transaction,
                actor,
                process,
                version,
                at=now,
                lease_until=now,
                manifest_digest=manifest_digest,
            )
            let_import(transaction, actor, process, upload, at=now)
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
