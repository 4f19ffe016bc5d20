"""Organizations, projects and memberships."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from au2.domain.account import Member, Organization, Project
from au2.domain.context import Context
from au2.domain.identity import Membership, Role
from au2.stores.database.database import Transaction
from au2.stores.database.queries import context_columns, owned_by, read_context, visible_from
from au2.stores.database.tables import memberships, organizations, projects, users


def add_organization(transaction: Transaction, organization: Organization) -> None:
    """Insert an organization."""
    transaction.execute(
        insert(organizations).values(
            id=organization.id,
            name=organization.name,
            created_at=organization.created_at,
            created_by=organization.created_by,
        )
    )


def find_organization(transaction: Transaction, organization_id: str) -> Organization | None:
    """Return the organization of an id."""
    row = transaction.execute(
        select(organizations).where(organizations.c.id == organization_id)
    ).one_or_none()
    return None if row is None else Organization(**row._mapping)


def list_organizations(transaction: Transaction, ids: Collection[str]) -> list[Organization]:
    """Return the organizations of some ids, ordered by name."""
    rows = transaction.execute(
        select(organizations)
        .where(organizations.c.id.in_(ids))
        .order_by(organizations.c.name, organizations.c.id)
    )
    return [Organization(**row._mapping) for row in rows]


def add_project(transaction: Transaction, project: Project) -> None:
    """Insert a project."""
    transaction.execute(
        insert(projects).values(
            id=project.id,
            organization_id=project.organization_id,
            name=project.name,
            created_at=project.created_at,
            created_by=project.created_by,
        )
    )


def find_project(transaction: Transaction, project_id: str) -> Project | None:
    """Return the project of an id."""
    row = transaction.execute(select(projects).where(projects.c.id == project_id)).one_or_none()
    return None if row is None else Project(**row._mapping)


def list_projects(transaction: Transaction, organization_id: str) -> list[Project]:
    """Return an organization's projects, ordered by name."""
    rows = transaction.execute(
        select(projects)
        .where(projects.c.organization_id == organization_id)
        .order_by(projects.c.name, projects.c.id)
    )
    return [Project(**row._mapping) for row in rows]


def set_membership(
    transaction: Transaction,
    *,
    membership_id: str,
    user_id: str,
    membership: Membership,
    at: datetime,
    by: str,
) -> None:
    """Set a user's role in a context, in place of an earlier one."""
    replaced = transaction.execute(
        update(memberships)
        .where(memberships.c.user_id == user_id, owned_by(memberships, membership.context))
        .values(role=membership.role.value)
    ).rowcount
    if replaced:
        return
    transaction.execute(
        insert(memberships).values(
            id=membership_id,
            user_id=user_id,
            role=membership.role.value,
            created_at=at,
            created_by=by,
            **context_columns(membership.context),
        )
    )


def remove_membership(transaction: Transaction, user_id: str, context: Context) -> bool:
    """Delete a user's role in exactly this context; return whether one existed."""
    removed = transaction.execute(
        delete(memberships).where(memberships.c.user_id == user_id, owned_by(memberships, context))
    ).rowcount
    return removed > 0


_ROLES = (
    select(memberships)
    .where(memberships.c.user_id == bindparam("user_id"))
    .order_by(memberships.c.created_at, memberships.c.id)
)


def list_memberships(transaction: Transaction, user_id: str) -> list[Membership]:
    """Return all memberships of a user."""
    rows = transaction.execute(_ROLES, {"user_id": user_id})
    return [Membership(read_context(row), Role(row.role)) for row in rows]


def list_members(transaction: Transaction, context: Context) -> list[Member]:
    """Return the members whose role reaches a context, ordered by email address."""
    rows = transaction.execute(
        select(
            users.c.email,
            memberships.c.organization_id,
            memberships.c.project_id,
            memberships.c.role,
        )
        .join_from(memberships, users)
        .where(visible_from(memberships, context))
        .order_by(users.c.email)
    )
    return [Member(row.email, Membership(read_context(row), Role(row.role))) for row in rows]


def count_admins(transaction: Transaction, organization_id: str) -> int:
    """Return the number of admins of a whole organization."""
    return transaction.execute(
        select(func.count())
        .select_from(memberships)
        .where(
            owned_by(memberships, Context(organization_id)),
            memberships.c.role == Role.ADMIN.value,
        )
    ).scalar_one()
