"""Runtimes and their versions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, or_, select, update

from au2.domain.accounts.context import Context
from au2.domain.jobs.container_contract import Language
from au2.domain.processes.runtime import Runtime, RuntimeBuild
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import context_columns, read_context, read_entity, visible_from
from au2.stores.database.tables import runtime_versions, runtimes


def _select() -> Select[Any]:
    newest = (
        select(runtime_versions.c.runtime_id, func.max(runtime_versions.c.version).label("newest"))
        .group_by(runtime_versions.c.runtime_id)
        .subquery()
    )
    return (
        select(runtimes, runtime_versions.c.version, runtime_versions.c.image_digest)
        .join(newest, newest.c.runtime_id == runtimes.c.id)
        .join(
            runtime_versions,
            (runtime_versions.c.runtime_id == runtimes.c.id)
            & (runtime_versions.c.version == newest.c.newest),
        )
    )


_FIND = _select().where(runtimes.c.id == bindparam("runtime_id"))


def _runtime(row: Any) -> Runtime:
    context = None if row.organization_id is None else read_context(row)
    return read_entity(Runtime, row, language=Language(row.language), context=context)


def find_runtime(transaction: Transaction, runtime_id: str) -> Runtime | None:
    """Return the runtime of an id at its newest version."""
    row = transaction.execute(_FIND, {"runtime_id": runtime_id}).one_or_none()
    return None if row is None else _runtime(row)


def list_runtimes(
    transaction: Transaction,
    context: Context | None,
    *,
    name: str | None = None,
    with_retired: bool = False,
) -> list[Runtime]:
    """Return the runtimes visible from a context (None: all), ordered by name."""
    query = _select()
    if not with_retired:
        query = query.where(runtimes.c.retired_at.is_(None))
    if context is not None:
        query = query.where(
            or_(runtimes.c.organization_id.is_(None), visible_from(runtimes, context))
        )
    if name is not None:
        query = query.where(runtimes.c.name == name)
    rows = transaction.execute(query.order_by(runtimes.c.name, runtimes.c.id))
    return [_runtime(row) for row in rows]


def find_runtime_image(transaction: Transaction, runtime_id: str, version: int) -> str | None:
    """Return the manifest digest of one version of a runtime."""
    return transaction.execute(
        select(runtime_versions.c.image_digest).where(
            runtime_versions.c.runtime_id == runtime_id, runtime_versions.c.version == version
        )
    ).scalar_one_or_none()


def list_visible_images(transaction: Transaction, context: Context) -> list[str]:
    """Return the manifest digests of all runtime versions visible from a context.

    Newest first. Retired runtimes are included: versions may still be built on them.
    """
    rows = transaction.execute(
        select(runtime_versions.c.image_digest)
        .join(runtimes, runtimes.c.id == runtime_versions.c.runtime_id)
        .where(or_(runtimes.c.organization_id.is_(None), visible_from(runtimes, context)))
        .order_by(runtime_versions.c.created_at.desc())
    )
    return [str(row.image_digest) for row in rows]


def list_builds(transaction: Transaction, runtime_id: str) -> list[RuntimeBuild]:
    """Return all versions of a runtime, newest first."""
    rows = transaction.execute(
        select(runtime_versions)
        .where(runtime_versions.c.runtime_id == runtime_id)
        .order_by(runtime_versions.c.version.desc())
    )
    return [read_entity(RuntimeBuild, row, packages=tuple(row.packages)) for row in rows]


def find_build(transaction: Transaction, runtime_id: str, version: int) -> RuntimeBuild | None:
    """Return one version of a runtime."""
    row = transaction.execute(
        select(runtime_versions).where(
            runtime_versions.c.runtime_id == runtime_id, runtime_versions.c.version == version
        )
    ).one_or_none()
    return None if row is None else read_entity(RuntimeBuild, row, packages=tuple(row.packages))


def ensure_runtime(
    transaction: Transaction,
    *,
    runtime_id: str,
    name: str,
    language: Language,
    context: Context | None,
    at: datetime,
) -> None:
    """Insert a runtime unless present. The owner of an existing one stays.

    Raises:
        NotFound: the owner was deleted.
    """
    ensure_owner_exists(transaction, context)
    present = transaction.execute(
        select(runtimes.c.id).where(runtimes.c.id == runtime_id)
    ).one_or_none()
    if present is None:
        transaction.execute(
            insert(runtimes).values(
                id=runtime_id,
                name=name,
                language=language.value,
                created_at=at,
                **context_columns(context),
            )
        )


def add_runtime_version(
    transaction: Transaction,
    *,
    runtime_id: str,
    first_version: int,
    image_digest: str,
    recipe_digest: str,
    packages: Sequence[Any],
    at: datetime,
) -> int:
    """Insert a version numbered ``first_version`` or newest + 1; return its number.

    An image equal to the newest version's adds none.
    """
    newest = transaction.execute(
        select(runtime_versions.c.version, runtime_versions.c.image_digest)
        .where(runtime_versions.c.runtime_id == runtime_id)
        .order_by(runtime_versions.c.version.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and newest.image_digest == image_digest:
        return int(newest.version)
    version = first_version if newest is None else int(newest.version) + 1
    transaction.execute(
        insert(runtime_versions).values(
            runtime_id=runtime_id,
            version=version,
            image_digest=image_digest,
            recipe_digest=recipe_digest,
            packages=list(packages),
            created_at=at,
        )
    )
    return version


def retire_runtime(transaction: Transaction, runtime_id: str, *, at: datetime | None) -> None:
    """Retire a runtime (``at`` None: reinstate). Versions built on the runtime stay."""
    transaction.execute(update(runtimes).where(runtimes.c.id == runtime_id).values(retired_at=at))
