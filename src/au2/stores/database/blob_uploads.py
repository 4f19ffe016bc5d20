"""Blobs that a registry client sends. What has come of one lies in the blob store, by its id."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from au2.domain.repository import Repository
from au2.stores.database.database import Transaction
from au2.stores.database.tables import blob_uploads


@dataclass(frozen=True, slots=True)
class BlobUpload:
    """One blob on its way."""

    id: str
    repository: Repository
    user_id: str
    created_at: datetime


def add_blob_upload(transaction: Transaction, upload: BlobUpload) -> None:
    """Insert an upload."""
    transaction.execute(
        insert(blob_uploads).values(
            id=upload.id,
            organization_id=upload.repository.organization_id,
            repository=upload.repository.name,
            user_id=upload.user_id,
            created_at=upload.created_at,
        )
    )


def find_blob_upload(transaction: Transaction, upload_id: str) -> BlobUpload | None:
    """The upload of that id."""
    row = transaction.execute(
        select(blob_uploads).where(blob_uploads.c.id == upload_id)
    ).one_or_none()
    if row is None:
        return None
    repository = Repository(row.organization_id, row.repository)
    return BlobUpload(row.id, repository, row.user_id, row.created_at)


def list_blob_upload_ids(transaction: Transaction) -> list[str]:
    """Ids of all blobs on their way."""
    return list(transaction.execute(select(blob_uploads.c.id)).scalars())


def delete_blob_upload(transaction: Transaction, upload_id: str) -> None:
    """Forget an upload."""
    transaction.execute(delete(blob_uploads).where(blob_uploads.c.id == upload_id))
