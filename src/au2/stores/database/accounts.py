"""Users with their access tokens, organizations, projects and memberships."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from au2.domain.accounts.account import Member, Organization, Project, Token, User
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Membership, Role
from au2.stores.database.database import Transaction
from au2.stores.database.owners import ensure_owner_exists
from au2.stores.database.queries import (
    context_columns,
    entity_columns,
    owned_by,
    read_context,
    read_entity,
    visible_from,
)
from au2.stores.database.tables import memberships, organizations, projects, tokens, users

_FIND_USER = select(users).where(users.c.id == bindparam("user_id"))
_FIND_TOKEN = select(tokens).where(tokens.c.id == bindparam("token_id"))
_FIND_BY_HASH = select(tokens).where(tokens.c.secret_hash == bindparam("secret_hash"))


def add_user(transaction: Transaction, user: User) -> None:
    """Insert a user; the email must be lower case and new."""
    transaction.execute(insert(users).values(entity_columns(user)))


def find_user(transaction: Transaction, user_id: str) -> User | None:
    """Return the user of an id."""
    row = transaction.execute(_FIND_USER, {"user_id": user_id}).one_or_none()
    return None if row is None else User(**row._mapping)


def find_user_by_email(transaction: Transaction, email: str) -> User | None:
    """Return the user of an email address, in any letter case."""
    row = transaction.execute(select(users).where(users.c.email == email.lower())).one_or_none()
    return None if row is None else User(**row._mapping)


def count_users(transaction: Transaction) -> int:
    """Return the number of users."""
    return transaction.execute(select(func.count()).select_from(users)).scalar_one()


def list_users(transaction: Transaction) -> list[User]:
    """Return all users, ordered by email address."""
    rows = transaction.execute(select(users).order_by(users.c.email))
    return [User(**row._mapping) for row in rows]


def count_active_operators(transaction: Transaction, *, but_id: str) -> int:
    """Return the number of operators who are not disabled, one user left out."""
    return transaction.execute(
        select(func.count())
        .select_from(users)
        .where(users.c.is_operator, users.c.disabled_at.is_(None), users.c.id != but_id)
    ).scalar_one()


def set_disabled(transaction: Transaction, user_id: str, at: datetime | None) -> None:
    """Set since when a user is refused; None: the user is not."""
    transaction.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))


def set_operator(transaction: Transaction, user_id: str, is_operator: bool) -> None:
    """Set whether a user is an operator."""
    transaction.execute(update(users).where(users.c.id == user_id).values(is_operator=is_operator))


def set_password_hash(transaction: Transaction, user_id: str, password_hash: str) -> None:
    """Replace a user's password hash."""
    transaction.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


def add_token(transaction: Transaction, token: Token) -> None:
    """Insert a token."""
    transaction.execute(insert(tokens).values(entity_columns(token)))


def find_token_by_hash(transaction: Transaction, secret_hash: str) -> Token | None:
    """Return the token whose secret has a hash."""
    row = transaction.execute(_FIND_BY_HASH, {"secret_hash": secret_hash}).one_or_none()
    return None if row is None else Token(**row._mapping)


def find_token(transaction: Transaction, token_id: str) -> Token | None:
    """Return the token of an id."""
    row = transaction.execute(_FIND_TOKEN, {"token_id": token_id}).one_or_none()
    return None if row is None else Token(**row._mapping)


def list_tokens(transaction: Transaction, user_id: str, *, kind: str) -> list[Token]:
    """Return a user's tokens of one kind, oldest first."""
    rows = transaction.execute(
        select(tokens)
        .where(tokens.c.user_id == user_id, tokens.c.kind == kind)
        .order_by(tokens.c.created_at, tokens.c.id)
    )
    return [Token(**row._mapping) for row in rows]


def list_tokens_but(transaction: Transaction, *, kind: str) -> list[Token]:
    """Return the tokens of all users except those of one kind, oldest first."""
    rows = transaction.execute(
        select(tokens).where(tokens.c.kind != kind).order_by(tokens.c.created_at, tokens.c.id)
    )
    return [Token(**row._mapping) for row in rows]


def delete_token(transaction: Transaction, token_id: str) -> None:
    """Delete a token, which is refused from now on."""
    transaction.execute(delete(tokens).where(tokens.c.id == token_id))


def delete_tokens_but(transaction: Transaction, user_id: str, *, kind: str, kept_id: str) -> None:
    """Delete a user's tokens of one kind, except one."""
    transaction.execute(
        delete(tokens).where(
            tokens.c.user_id == user_id, tokens.c.kind == kind, tokens.c.id != kept_id
        )
    )


def delete_tokens_named(transaction: Transaction, user_id: str, *, kind: str, name: str) -> None:
    """Delete a user's tokens of one kind and name."""
    transaction.execute(
        delete(tokens).where(
            tokens.c.user_id == user_id, tokens.c.kind == kind, tokens.c.name == name
        )
    )


def delete_all_tokens(transaction: Transaction, user_id: str) -> int:
    """Delete all tokens of a user; return their number."""
    return transaction.execute(delete(tokens).where(tokens.c.user_id == user_id)).rowcount


def delete_expired_tokens(transaction: Transaction, *, kind: str, before: datetime) -> int:
    """Delete tokens of one kind expired before a time; return their number."""
    return transaction.execute(
        delete(tokens).where(tokens.c.kind == kind, tokens.c.expires_at < before)
    ).rowcount


def touch_token(
    transaction: Transaction,
    token_id: str,
    *,
    at: datetime,
    expires_at: datetime | None,
    unless_since: datetime,
) -> None:
    """Record the use and the end of a token, unless a use was recorded since ``unless_since``."""
    transaction.execute(
        update(tokens)
        .where(
            tokens.c.id == token_id,
            or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < unless_since),
        )
        .values(last_used_at=at, expires_at=expires_at)
    )


def add_organization(transaction: Transaction, organization: Organization) -> None:
    """Insert an organization."""
    transaction.execute(insert(organizations).values(entity_columns(organization)))


def find_organization(transaction: Transaction, organization_id: str) -> Organization | None:
    """Return the organization of an id, unless deleted."""
    row = transaction.execute(
        select(organizations).where(
            organizations.c.id == organization_id, organizations.c.deleted_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else read_entity(Organization, row)


def list_organizations(transaction: Transaction, ids: Collection[str]) -> list[Organization]:
    """Return the organizations of some ids, ordered by name."""
    rows = transaction.execute(
        select(organizations)
        .where(organizations.c.id.in_(ids), organizations.c.deleted_at.is_(None))
        .order_by(organizations.c.name, organizations.c.id)
    )
    return [read_entity(Organization, row) for row in rows]


def add_project(transaction: Transaction, project: Project) -> None:
    """Insert a project. Raises NotFound: the organization was deleted."""
    ensure_owner_exists(transaction, Context(project.organization_id))
    transaction.execute(insert(projects).values(entity_columns(project)))


def find_project(transaction: Transaction, project_id: str) -> Project | None:
    """Return the project of an id, unless deleted."""
    row = transaction.execute(
        select(projects).where(projects.c.id == project_id, projects.c.deleted_at.is_(None))
    ).one_or_none()
    return None if row is None else read_entity(Project, row)


def list_projects(transaction: Transaction, organization_ids: Collection[str]) -> list[Project]:
    """Return the projects of some organizations, ordered by name."""
    rows = transaction.execute(
        select(projects)
        .where(projects.c.organization_id.in_(organization_ids), projects.c.deleted_at.is_(None))
        .order_by(projects.c.name, projects.c.id)
    )
    return [read_entity(Project, row) for row in rows]


def set_membership(
    transaction: Transaction,
    *,
    membership_id: str,
    user_id: str,
    membership: Membership,
    at: datetime,
    by: str,
) -> None:
    """Set a user's role in a context, in place of an earlier one. Raises NotFound."""
    ensure_owner_exists(transaction, membership.context)
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
