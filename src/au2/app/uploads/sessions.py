"""Upload sessions: owner, fencing token and renewal of the lease."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from au2.app.lookup import authorize
from au2.domain.context import Context
from au2.domain.errors import LeaseLost, NotFound, NotPermitted
from au2.domain.identity import Action, Actor
from au2.domain.ids import parse_guid
from au2.domain.job import Job
from au2.domain.upload import Upload, UploadState
from au2.stores.database import jobs, processes
from au2.stores.database.content import uploads
from au2.stores.database.database import Transaction

_Upload = TypeVar("_Upload", bound=Upload)


@dataclass(slots=True)
class Renewal(Generic[_Upload]):
    """Prolongs a lease once a part of it has gone."""

    renew: Callable[[_Upload], _Upload]
    upload: _Upload
    clock: Callable[[], datetime]
    lease_seconds: float
    every_seconds: float | None = None
    """How old the last sign of life may become; None: half of the lease."""

    def __call__(self) -> None:
        """Prolong it if that is due. Raises LeaseLost."""
        every = self.lease_seconds / 2 if self.every_seconds is None else self.every_seconds
        left = self.upload.lease_until - self.clock()
        if left < timedelta(seconds=self.lease_seconds - every):
            self.upload = self.renew(self.upload)


def get_own_upload(
    transaction: Transaction, actor: Actor, upload_id: str, kind: type[_Upload]
) -> _Upload:
    """The actor's upload of that kind. Raises NotFound, NotPermitted."""
    wanted = parse_guid(upload_id)
    missing = NotFound(f"There is no upload {wanted} here.")
    upload = uploads.find_upload(transaction, wanted)
    process = None if upload is None else processes.find_process(transaction, upload.process_id)
    if process is None or not isinstance(upload, kind):
        raise missing
    action, view = Action.UPLOAD_VERSION, Action.VIEW_PROCESS
    authorize(actor, action, process.context, view=view, missing=missing)
    if upload.user_id != actor.user_id:
        raise NotPermitted("This upload is another user's.", hint="Begin one of your own.")
    return upload


def get_open_upload(
    transaction: Transaction, actor: Actor, upload_id: str, fencing_token: int, kind: type[_Upload]
) -> _Upload:
    """The actor's upload, open and under this fencing token. Raises LeaseLost too."""
    upload = get_own_upload(transaction, actor, upload_id, kind)
    ensure_open(upload, fencing_token)
    return upload


def context_of_upload(transaction: Transaction, upload: Upload) -> Context:
    """Where the process belongs that the upload is for: what comes is known there."""
    process = processes.find_process(transaction, upload.process_id)
    return Context(upload.organization_id) if process is None else process.context


def ensure_open(upload: Upload, fencing_token: int) -> None:
    """Raise LeaseLost unless the upload is open and this is its fencing token."""
    if upload.fencing_token != fencing_token:
        raise LeaseLost("Another sender took this upload over.", hint="Start the upload again.")
    if upload.state is not UploadState.OPEN:
        raise LeaseLost(
            f"This upload is {upload.state}.",
            hint=f"See its job: au2 job show {upload.job_id}",
        )


def job_of_upload(transaction: Transaction, upload: Upload) -> Job:
    """The record of an upload. Raises NotFound."""
    job = jobs.find_job(transaction, upload.job_id)
    if job is None:
        raise NotFound(f"There is no job {upload.job_id} here.")
    return job
