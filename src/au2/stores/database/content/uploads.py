"""Upload sessions of packages and images, and the file contents that a context has received.

An upload is guarded by its lease and fencing token.

The content store keeps equal contents once for all. A package may only be built with contents that
were sent to its context or to its organization, and only those are reported as present: knowledge
of a digest gives no access, not even from one project to the next.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from au2.domain.accounts.context import Context
from au2.domain.errors import LeaseLost
from au2.domain.processes.upload import ImageUpload, PackageUpload, Upload, UploadState
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import entity_columns, in_chunks, read_entity
from au2.stores.database.tables import contents, uploads

_FIND = select(uploads).where(uploads.c.id == bindparam("upload_id"))
_FIND_OF_JOB = select(uploads).where(uploads.c.job_id == bindparam("job_id"))


_CHANGE = update(uploads).where(
    uploads.c.id == bindparam("wanted"),
    uploads.c.fence == bindparam("held_token"),
    uploads.c.state == UploadState.OPEN.value,
)


def add_upload(transaction: Transaction, upload: Upload) -> None:
    """Insert an upload."""
    values = entity_columns(upload)
    values["fence"] = values.pop("fencing_token")
    if not isinstance(upload, PackageUpload):
        values |= {"files": [], "runtime": ""}
    transaction.execute(insert(uploads).values(values))


def _upload(row: Any) -> Upload:
    kind = PackageUpload if row.runtime else ImageUpload  # An image upload has no runtime.
    return read_entity(kind, row, fencing_token=row.fence, state=UploadState(row.state))


def find_upload(transaction: Transaction, upload_id: str) -> Upload | None:
    """Return the upload of an id."""
    row = transaction.execute(_FIND, {"upload_id": upload_id}).one_or_none()
    return None if row is None else _upload(row)


def find_upload_of_job(transaction: Transaction, job_id: int) -> Upload | None:
    """Return the upload of a job."""
    row = transaction.execute(_FIND_OF_JOB, {"job_id": job_id}).one_or_none()
    return None if row is None else _upload(row)


def find_open_upload(
    transaction: Transaction, process_id: str, version_number: int
) -> Upload | None:
    """Return the open upload of a version."""
    row = transaction.execute(
        select(uploads).where(
            uploads.c.process_id == process_id,
            uploads.c.version_number == version_number,
            uploads.c.state == UploadState.OPEN.value,
        )
    ).one_or_none()
    return None if row is None else _upload(row)


def list_abandoned(transaction: Transaction, *, at: datetime) -> list[Upload]:
    """Return the open uploads with an expired lease."""
    rows = transaction.execute(
        select(uploads).where(uploads.c.state == UploadState.OPEN.value, uploads.c.lease_until < at)
    )
    return [_upload(row) for row in rows]


def list_receiving_processes(transaction: Transaction, *, at: datetime) -> set[str]:
    """Return the ids of the processes with an open upload whose lease is live."""
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
    fencing_token: int | None = None,
    manifest_digest: str | None = None,
) -> None:
    """Change an open upload, guarded by its fencing token; None leaves a column as it is.

    Raises:
        LeaseLost: the upload is no longer open, or another sender took it over.
    """
    values: dict[str, Any] = {
        "wanted": upload.id,
        "held_token": upload.fencing_token,
        "state": state.value,
        "lease_until": lease_until or upload.lease_until,
        "fence": fencing_token or upload.fencing_token,
    }
    if manifest_digest is not None:
        values["manifest_digest"] = manifest_digest
    if not transaction.execute(_CHANGE, values).rowcount:
        raise LeaseLost("This upload is no longer open.", hint="Start the upload again.")


_FIND_CONTENTS = select(contents.c.sha256, contents.c.size_bytes).where(
    contents.c.context_id.in_(bindparam("context_ids", expanding=True)),
    contents.c.sha256.in_(bindparam("sha256s", expanding=True)),
)


def find_contents(
    transaction: Transaction, context: Context, sha256s: Collection[str]
) -> dict[str, int]:
    """Return the context's contents among ``sha256s``, with sizes in bytes."""
    context_ids = [_id_of(visible) for visible in context.chain]
    found: dict[str, int] = {}
    for chunk in in_chunks(sha256s):
        rows = transaction.execute(_FIND_CONTENTS, {"context_ids": context_ids, "sha256s": chunk})
        found |= {row.sha256: row.size_bytes for row in rows}
    return found


def add_contents(transaction: Transaction, context: Context, sizes: Mapping[str, int]) -> None:
    """Insert contents of a context (size in bytes by SHA-256). Raises NotFound: it was deleted."""
    ensure_owner_exists(transaction, context)
    known = find_contents(transaction, context, sizes)
    rows = [
        {"context_id": _id_of(context), "sha256": sha256, "size_bytes": size_bytes}
        for sha256, size_bytes in sizes.items()
        if sha256 not in known
    ]
    if rows:
        transaction.execute(insert(contents), rows)


def _id_of(context: Context) -> str:
    return context.project_id or context.organization_id
