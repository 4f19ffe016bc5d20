"""Owners, which are organizations and projects: names, possessions, renaming and deletion."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    Table,
    bindparam,
    delete,
    func,
    select,
    update,
)

from au2.domain.accounts.context import Context
from au2.domain.errors import NotFound
from au2.domain.jobs.job import JobState
from au2.stores.database.database import Transaction
from au2.stores.database.queries import context_columns, owned_by
from au2.stores.database.tables import (
    blob_uploads,
    contents,
    dependency_layers,
    jobs,
    memberships,
    organizations,
    processes,
    projects,
    repository_blobs,
    repository_manifests,
    repository_tags,
    runtimes,
    secrets,
)

_OPEN_STATES = (JobState.PENDING.value, JobState.RUNNING.value)
_LIVING = select(organizations.c.id).where(
    organizations.c.id == bindparam("organization_id"),
    organizations.c.deleted_at.is_(None),
    bindparam("project_id", type_=String).is_(None)
    | select(projects.c.id)
    .where(projects.c.id == bindparam("project_id"), projects.c.deleted_at.is_(None))
    .exists(),
)
_OWN_REPOSITORY = ~repository_manifests.c.repository.startswith("process_", autoescape=True)
"""Those of processes go with the process."""


def list_names(transaction: Transaction, organization_id: str | None) -> dict[str, str]:
    """Return id and name of an organization's projects; None: of all organizations."""
    if organization_id is None:
        query = select(organizations.c.id, organizations.c.name)
        rows = transaction.execute(query.where(organizations.c.deleted_at.is_(None)))
    else:
        query = select(projects.c.id, projects.c.name)
        rows = transaction.execute(query.where(*_projects_of(organization_id)))
    return {row.id: row.name for row in rows}


def rename_owner(transaction: Transaction, owner: Context, name: str) -> None:
    """Set the name of an organization or project."""
    table, is_owner = _row_of(owner)
    transaction.execute(update(table).where(is_owner).values(name=name))


def count_unfinished_jobs(transaction: Transaction, owner: Context) -> int:
    """Return the number of pending and running jobs; of an organization, with its projects."""
    is_open = jobs.c.state.in_(_OPEN_STATES)
    return _count(transaction, jobs, _is_within(jobs, owner), is_open)


def count_possessions(transaction: Transaction, owner: Context) -> dict[str, int]:
    """Return noun and number of the objects of an owner; an organization has its projects' too."""
    living = processes.c.deleted_at.is_(None)
    in_use = runtimes.c.retired_at.is_(None)
    found = {
        "process": _count(transaction, processes, _is_within(processes, owner), living),
        "secret": _count(transaction, secrets, _is_within(secrets, owner)),
        "runtime": _count(transaction, runtimes, _is_within(runtimes, owner), in_use),
    }
    if owner.project_id is None:
        found["project"] = _count(transaction, projects, *_projects_of(owner.organization_id))
        repositories = select(repository_manifests.c.repository).where(
            _is_within(repository_manifests, owner), _OWN_REPOSITORY
        )
        found["repository"] = len(transaction.execute(repositories.distinct()).all())
    return {noun: number for noun, number in found.items() if number}


def delete_owner(transaction: Transaction, owner: Context, *, at: datetime) -> None:
    """Delete an owner with all possessions and roles.

    Records of jobs and events stay, and so do rows that they refer to, marked as deleted. Garbage
    collection removes the blobs.
    """
    project_ids = [] if owner.project_id is None else [owner.project_id]
    if owner.project_id is None:
        project_ids += list_names(transaction, owner.organization_id)
    for table in (processes, runtimes):
        column = table.c.deleted_at if table is processes else table.c.retired_at
        transaction.execute(
            update(table)
            .where(_is_within(table, owner), column.is_(None))
            .values({column.name: at})
        )
    for table in (secrets, memberships, dependency_layers):
        transaction.execute(delete(table).where(_is_within(table, owner)))
    ids = [*project_ids, owner.organization_id] if owner.project_id is None else project_ids
    transaction.execute(delete(contents).where(contents.c.context_id.in_(ids)))
    if owner.project_id is None:
        for table in (repository_tags, repository_manifests, repository_blobs, blob_uploads):
            transaction.execute(delete(table).where(_is_within(table, owner)))
        transaction.execute(
            update(projects).where(*_projects_of(owner.organization_id)).values(deleted_at=at)
        )
    table, is_owner = _row_of(owner)
    transaction.execute(update(table).where(is_owner).values(deleted_at=at))


def ensure_owner_exists(transaction: Transaction, owner: Context | None) -> None:
    """Refuse a new possession of a deleted organization or project; None owns global objects.

    Part of every insertion: actors are looked up before the writing transaction, and a deletion may
    come in between.

    Raises:
        NotFound: the owner was deleted.
    """
    if owner is None:
        return
    if transaction.execute(_LIVING, context_columns(owner)).one_or_none() is None:
        raise NotFound(
            f"The {'organization' if owner.project_id is None else 'project'} was deleted.",
            hint="See: au2 context list",
        )


def find_jobs_of_deleted_organizations(transaction: Transaction, ids: Sequence[int]) -> set[int]:
    """Return those of the jobs whose organization was deleted."""
    query = select(jobs.c.id).where(jobs.c.id.in_(ids), _organization_is_deleted(jobs))
    return set(transaction.execute(query).scalars())


def owner_is_deleted(table: Any) -> ColumnElement[bool]:
    """Condition: the organization or project that owns a row of ``table`` was deleted."""
    return (
        _organization_is_deleted(table)
        | select(projects.c.id)
        .where(projects.c.id == table.c.project_id, projects.c.deleted_at.is_not(None))
        .exists()
    )


def _organization_is_deleted(table: Any) -> ColumnElement[bool]:
    return (
        select(organizations.c.id)
        .where(
            organizations.c.id == table.c.organization_id, organizations.c.deleted_at.is_not(None)
        )
        .exists()
    )


def _is_within(table: Any, owner: Context) -> ColumnElement[bool]:
    """Condition: the row is of the owner; of an organization, also of its projects."""
    if owner.project_id is not None:
        return owned_by(table, owner)
    within: ColumnElement[bool] = table.c.organization_id == owner.organization_id
    return within


def _projects_of(organization_id: str) -> tuple[ColumnElement[bool], ...]:
    return projects.c.organization_id == organization_id, projects.c.deleted_at.is_(None)


def _row_of(owner: Context) -> tuple[Table, ColumnElement[bool]]:
    if owner.project_id is None:
        return organizations, organizations.c.id == owner.organization_id
    return projects, projects.c.id == owner.project_id


def _count(transaction: Transaction, table: Table, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(*conditions)
    return int(transaction.execute(query).scalar_one())
