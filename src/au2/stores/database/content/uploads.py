"""Upload sessions: an owner, a lease and a fencing token."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from au2.domain.errors import LeaseLost
from au2.domain.upload import Upload, UploadState
from au2.stores.database.database import Transaction
from au2.stores.database.tables import uploads

_FIND = select(uploads).where(uploads.c.id == bindparam("upload_id"))
_FIND_OF_JOB = select(uploads).where(uploads.c.job_id == bindparam("job_id"))


_CHANGE = update(uploads).where(
    uploads.c.id == bindparam("wanted"),
    uploads.c.fence == bindparam("held_fence"),
    uploads.c.state == UploadState.OPEN.value,
)


def add_upload(transaction: Transaction, upload: Upload) -> None:
    """Insert an upload."""
    transaction.execute(
        insert(uploads).values(
            id=upload.id,
            organization_id=upload.organization_id,
            process_id=upload.process_id,
            version_number=upload.version_number,
            job_id=upload.job_id,
            user_id=upload.user_id,
            fence=upload.fence,
            lease_until=upload.lease_until,
            state=upload.state.value,
            files=list(upload.files),
            runtime=upload.runtime,
            created_at=upload.created_at,
            manifest_digest=upload.manifest_digest,
        )
    )


def _upload(row: Any) -> Upload:
    return Upload(**{**row._mapping, "state": UploadState(row.state)})


def find_upload(transaction: Transaction, upload_id: str) -> Upload | None:
    """The upload of that id."""
    row = transaction.execute(_FIND, {"upload_id": upload_id}).one_or_none()
    return None if row is None else _upload(row)


def find_upload_of_job(transaction: Transaction, job_id: int) -> Upload | None:
    """The upload that a job belongs to."""
    row = transaction.execute(_FIND_OF_JOB, {"job_id": job_id}).one_or_none()
    return None if row is None else _upload(row)


def find_open_upload(
    transaction: Transaction, process_id: str, version_number: int
) -> Upload | None:
    """The upload of a version that is under way."""
    row = transaction.execute(
        select(uploads).where(
            uploads.c.process_id == process_id,
            uploads.c.version_number == version_number,
            uploads.c.state == UploadState.OPEN.value,
        )
    ).one_or_none()
    return None if row is None else _upload(row)


def list_abandoned(transaction: Transaction, *, at: datetime) -> list[Upload]:
    """Open uploads whose lease has run out."""
    rows = transaction.execute(
        select(uploads).where(uploads.c.state == UploadState.OPEN.value, uploads.c.lease_until < at)
    )
    return [_upload(row) for row in rows]


def list_receiving_processes(transaction: Transaction, *, at: datetime) -> set[str]:
    """Ids of the processes that somebody sends an image or a package to: open, with a lease."""
    rows = transaction.execute(
        select(uploads.c.process_id).where(
            uploads.c.state == UploadState.OPEN.value, uploads.c.lease_until >= at
        )
    )
    return set(rows.scalars())


def change_upload(
    transaction: Transaction,
    upload: Upload,
    *,
    state: UploadState = UploadState.OPEN,
    lease_until: datetime | None = None,
    fence: int | None = None,
    manifest_digest: str | None = None,
) -> None:
    """The one door for an upload, guarded by its fencing token and by being open.

    Raises:
        LeaseLost: it is no longer open, or somebody else took it over.
    """
    changed = transaction.execute(
        _CHANGE,
        {
            "wanted": upload.id,
            "held_fence": upload.fence,
            "state": state.value,
            "lease_until": lease_until or upload.lease_until,
            "fence": fence or upload.fence,
            "manifest_digest": manifest_digest or upload.manifest_digest,
        },
    ).rowcount
    if not changed:
        raise LeaseLost("This upload is no longer open.", hint="Start the upload again.")
