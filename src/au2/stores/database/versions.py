"""Versions of processes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update

from au2.domain.errors import Conflict
from au2.domain.processes.version import (
    BuiltImage,
    ImageStatus,
    RuntimeReference,
    Version,
    VersionSummary,
    VersionType,
    may_become,
)
from au2.stores.database.database import Transaction
from au2.stores.database.queries import Key, in_chunks, page_after, read_entity
from au2.stores.database.tables import runtime_versions, versions

_SELECT = select(versions, runtime_versions.c.image_digest.label("runtime_image_digest")).join(
    runtime_versions,
    (runtime_versions.c.runtime_id == versions.c.runtime_id)
    & (runtime_versions.c.version == versions.c.runtime_version),
    isouter=True,
)

_LIVING = _SELECT.where(
    versions.c.process_id == bindparam("process_id"), versions.c.deleted_at.is_(None)
)
_FIND = _LIVING.where(versions.c.number == bindparam("number"))
_AVAILABLE = _LIVING.where(versions.c.image_status == ImageStatus.AVAILABLE.value).limit(1)
_NEWEST = _AVAILABLE.order_by(versions.c.number.desc())
_NEWEST_OF_ALL = _LIVING.order_by(versions.c.number.desc()).limit(1)
_NEWEST_UPLOAD = _NEWEST_OF_ALL.where(versions.c.image_status != ImageStatus.NONE.value)
_DEFAULT = _AVAILABLE.order_by(versions.c.published_at.is_(None), versions.c.number.desc())
_IMAGES = (
    select(versions.c.image_digest)
    .where(
        versions.c.process_id == bindparam("process_id"),
        versions.c.image_status == ImageStatus.AVAILABLE.value,
        versions.c.deleted_at.is_(None),
    )
    .order_by(versions.c.number.desc())
)
_NEWEST_LOCK = (
    select(versions.c.dependencies)
    .where(
        versions.c.process_id == bindparam("process_id"),
        versions.c.deleted_at.is_(None),
        versions.c.dependencies.is_not(None),
    )
    .order_by(versions.c.number.desc())
    .limit(1)
)
_NUMBERS = (
    select(
        versions.c.process_id,
        func.max(versions.c.number).label("newest"),
        func.max(versions.c.number).filter(versions.c.published_at.is_not(None)).label("published"),
    )
    .where(
        versions.c.process_id.in_(bindparam("process_ids", expanding=True)),
        versions.c.deleted_at.is_(None),
    )
    .group_by(versions.c.process_id)
    .subquery()
)
_SUMMARIES = select(_NUMBERS, versions.c.image_status).join(
    versions,
    (versions.c.process_id == _NUMBERS.c.process_id) & (versions.c.number == _NUMBERS.c.newest),
)
_CHANGE_STATUS = update(versions).where(
    versions.c.process_id == bindparam("wanted_process"),
    versions.c.number == bindparam("wanted_number"),
    versions.c.image_status == bindparam("shown_status"),
)


def _version(row: Any) -> Version:
    runtime = None
    if row.runtime_id is not None:
        runtime = RuntimeReference(row.runtime_id, row.runtime_version, row.runtime_image_digest)
    return read_entity(
        Version,
        row,
        type=VersionType(row.type),
        image_status=ImageStatus(row.image_status),
        runtime=runtime,
    )


def add_version(transaction: Transaction, version: Version) -> None:
    """Insert a version with a number of ``processes.take_version_number``."""
    runtime = version.runtime
    transaction.execute(
        insert(versions).values(
            process_id=version.process_id,
            number=version.number,
            type=version.type.value,
            description=version.description,
            image_status=version.image_status.value,
            created_at=version.created_at,
            created_by=version.created_by,
            runtime_id=None if runtime is None else runtime.runtime_id,
            runtime_version=None if runtime is None else runtime.runtime_version,
            upload_job_id=version.upload_job_id,
            package_digest=version.package_digest,
            environment=version.environment,
            args_schema=version.args_schema,
            out_schema=version.out_schema,
        )
    )


def find_version(transaction: Transaction, process_id: str, number: int) -> Version | None:
    """Return a version, unless deleted."""
    row = transaction.execute(_FIND, {"process_id": process_id, "number": number}).one_or_none()
    return None if row is None else _version(row)


def list_versions(
    transaction: Transaction,
    process_id: str,
    *,
    after: Key | None = None,
    limit: int | None = None,
) -> list[Version]:
    """Return the versions of a process, oldest first.

    ``after`` and ``limit``: part of the list, see :func:`page_after`.
    """
    query = page_after(_LIVING, [versions.c.number], after, limit)
    rows = transaction.execute(query, {"process_id": process_id})
    return [_version(row) for row in rows]


def list_images(transaction: Transaction, process_id: str) -> list[str]:
    """Return the manifest digests of a process's available versions, newest first."""
    rows = transaction.execute(_IMAGES, {"process_id": process_id})
    return [str(digest) for (digest,) in rows if digest is not None]


def find_default_version(transaction: Transaction, process_id: str) -> Version | None:
    """Return the default version: the newest published, else the newest available one."""
    return _find_first(transaction, _DEFAULT, process_id)


def find_newest_available(transaction: Transaction, process_id: str) -> Version | None:
    """Return the available version with the highest number."""
    return _find_first(transaction, _NEWEST, process_id)


def find_newest(transaction: Transaction, process_id: str) -> Version | None:
    """Return the version with the highest number, of any image status."""
    return _find_first(transaction, _NEWEST_OF_ALL, process_id)


def find_newest_upload(transaction: Transaction, process_id: str) -> Version | None:
    """Return the version with the highest number among those with an upload."""
    return _find_first(transaction, _NEWEST_UPLOAD, process_id)


def _find_first(
    transaction: Transaction, statement: Select[Any], process_id: str
) -> Version | None:
    row = transaction.execute(statement, {"process_id": process_id}).one_or_none()
    return None if row is None else _version(row)


def summarize_versions(
    transaction: Transaction, process_ids: Iterable[str]
) -> dict[str, VersionSummary]:
    """Return the summaries of some processes' versions, by process; none for one without."""
    rows = (
        row
        for chunk in in_chunks(process_ids)
        for row in transaction.execute(_SUMMARIES, {"process_ids": chunk})
    )
    return {
        row.process_id: VersionSummary(row.newest, ImageStatus(row.image_status), row.published)
        for row in rows
    }


def find_newest_lock(transaction: Transaction, process_id: str) -> Mapping[str, Any] | None:
    """Return the lock of the newest version with dependencies."""
    row = transaction.execute(_NEWEST_LOCK, {"process_id": process_id}).one_or_none()
    return None if row is None else row.dependencies


def change_image_status(
    transaction: Transaction,
    version: Version,
    status: ImageStatus,
    *,
    image: BuiltImage | None = None,
    upload_job_id: int | None = None,
) -> None:
    """Change the image status of a version, guarded by the status in ``version``.

    Raises:
        Conflict: the change is not legal, or another one came first.
    """
    values: dict[str, Any] = {"image_status": status.value}
    if image is not None:
        values |= {
            "image_digest": image.image_digest,
            "resources": image.resources,
            "dependencies": image.dependencies,
        }
        if image.contract is not None:
            values |= {
                "environment": image.contract.environment,
                "args_schema": image.contract.args_schema,
                "out_schema": image.contract.out_schema,
            }
    if upload_job_id is not None:
        values["upload_job_id"] = upload_job_id
    shown = {
        "wanted_process": version.process_id,
        "wanted_number": version.number,
        "shown_status": version.image_status.value,
    }
    changed = (
        may_become(version.image_status, status)
        and transaction.execute(_CHANGE_STATUS, shown | values).rowcount
    )
    if not changed:
        raise Conflict(
            f"Version {version.number} is {version.image_status} and can't become {status}."
        )


def set_published(
    transaction: Transaction, version: Version, *, at: datetime | None, by: str | None
) -> None:
    """Publish a version (time and person), or unpublish (None)."""
    transaction.execute(
        update(versions)
        .where(versions.c.process_id == version.process_id, versions.c.number == version.number)
        .values(published_at=at, published_by=by)
    )


def set_description(transaction: Transaction, version: Version, description: str) -> None:
    """Replace the description of a version."""
    transaction.execute(
        update(versions)
        .where(versions.c.process_id == version.process_id, versions.c.number == version.number)
        .values(description=description)
    )


def delete_version(transaction: Transaction, version: Version, *, at: datetime) -> None:
    """Mark a version as deleted. The number is not used again."""
    transaction.execute(
        update(versions)
        .where(versions.c.process_id == version.process_id, versions.c.number == version.number)
        .values(deleted_at=at)
    )
