"""Organizations and projects, and the context of a request."""

from collections.abc import Callable, Iterable
from datetime import datetime

from au2.app.accounts.accounts import NamedMembership
from au2.app.lookup import ensure_may, get_organization, no_organization
from au2.app.validation import parse_name
from au2.domain import clock as clocks
from au2.domain.accounts.account import Organization, Project
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor, Membership, Role
from au2.domain.errors import Conflict, NotFound, NotPermitted
from au2.domain.event import EventAction
from au2.domain.ids import make_guid, parse_guid
from au2.stores.database import accounts, owners
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event


class Organizations:
    """Organizations and their projects."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock
        self._known_projects: dict[str, str] = {}

    def resolve_context(self, actor: Actor, organization: str, project: str | None) -> Context:
        """Return the context of two GUIDs.

        Raises:
            InvalidRequest: one is no GUID.
            NotFound: the context is foreign, or the project is of another organization.
        """
        context = Context(
            parse_guid(organization), None if project is None else parse_guid(project)
        )
        above = Context(context.organization_id)
        if not actor.knows(above):
            raise no_organization(above.organization_id)
        if context.project_id is None:
            return context
        belongs = self._organization_of(context.project_id) == context.organization_id
        if not belongs or not actor.knows(context):
            raise _no_project(context)
        return context

    def _organization_of(self, project_id: str) -> str | None:
        """The organization of a project. Remembered: a project never moves, and runs ask often."""
        if project_id not in self._known_projects:
            with self._database.read() as transaction:
                found = accounts.find_project(transaction, project_id)
            if found is None:
                return None
            self._known_projects[project_id] = found.organization_id
        return self._known_projects[project_id]

    def list_organizations(self, actor: Actor) -> list[Organization]:
        """The organizations in which the actor has a role."""
        ids = {membership.context.organization_id for membership in actor.memberships}
        with self._database.read() as transaction:
            return accounts.list_organizations(transaction, ids)

    def list_contexts(self, actor: Actor) -> list[NamedMembership]:
        """The contexts that the actor's roles reach, with the strongest role in each.

        By names: each organization before its projects.
        """
        ids = {membership.context.organization_id for membership in actor.memberships}
        with self._database.read() as transaction:
            organizations = accounts.list_organizations(transaction, ids)
            projects = accounts.list_projects(transaction, ids)
        return [
            NamedMembership(context, organization.name, project_name, role)
            for organization in organizations
            for context, project_name in _list_contexts_of(organization, projects)
            if (role := actor.role_in(context)) is not None
        ]

    def get_project(self, actor: Actor, owner: Context) -> Project:
        """One project, whose context was resolved for the actor. Raises NotFound."""
        ensure_may(actor, Action.VIEW_ORGANIZATION, owner)
        found = None
        if owner.project_id is not None:
            with self._database.read() as transaction:
                found = accounts.find_project(transaction, owner.project_id)
        if found is None:
            raise _no_project(owner)
        return found

    def forget_project(self, project_id: str) -> None:
        """Drop what is remembered of a deleted project."""
        self._known_projects.pop(project_id, None)

    def get_organization(self, actor: Actor, organization: str) -> Organization:
        """One organization. Raises NotFound."""
        with self._database.read() as transaction:
            return get_organization(transaction, actor, Action.VIEW_ORGANIZATION, organization)

    def create_organization(
        self, actor: Actor, name: str, *, organization_id: str | None = None
    ) -> Organization:
        """Create an organization; the actor becomes its admin.

        Raises:
            NotPermitted: the actor is no operator.
            Conflict: the given id or the name is taken.
        """
        ensure_operator(actor)
        organization = Organization(
            id=make_guid() if organization_id is None else parse_guid(organization_id),
            name=parse_name(name, "an organization"),
            created_at=self._clock(),
            created_by=actor.email,
        )
        with self._database.write() as transaction:
            if accounts.find_organization(transaction, organization.id) is not None:
                raise Conflict(f"There is already an organization {organization.id}.")
            ensure_name_is_free(transaction, organization.name, Context(organization.id))
            accounts.add_organization(transaction, organization)
            accounts.set_membership(
                transaction,
                membership_id=make_guid(),
                user_id=actor.user_id,
                membership=Membership(Context(organization.id), Role.ADMIN),
                at=organization.created_at,
                by=actor.email,
            )
            _note_creation(
                transaction,
                EventAction.ORGANIZATION_CREATED,
                organization,
                Context(organization.id),
            )
        return organization

    def list_projects(self, actor: Actor, organization: str) -> list[Project]:
        """The organization's projects visible to the actor. Raises NotFound."""
        context = self.resolve_context(actor, organization, None)
        with self._database.read() as transaction:
            found = accounts.list_projects(transaction, [context.organization_id])
        return [
            project
            for project in found
            if actor.knows(Context(project.organization_id, project.id))
        ]

    def create_project(
        self, actor: Actor, organization: str, name: str, *, project_id: str | None = None
    ) -> Project:
        """Create a project.

        Raises:
            NotFound: the organization is foreign.
            NotPermitted: the actor is no admin of the organization.
            Conflict: the given id or the name is taken.
        """
        context = self.resolve_context(actor, organization, None)
        ensure_may(actor, Action.CREATE_PROJECT, context)
        project = Project(
            id=make_guid() if project_id is None else parse_guid(project_id),
            organization_id=context.organization_id,
            name=parse_name(name, "a project"),
            created_at=self._clock(),
            created_by=actor.email,
        )
        with self._database.write() as transaction:
            if accounts.find_project(transaction, project.id) is not None:
                raise Conflict(f"There is already a project {project.id}.")
            ensure_name_is_free(
                transaction, project.name, Context(context.organization_id, project.id)
            )
            accounts.add_project(transaction, project)
            _note_creation(transaction, EventAction.PROJECT_CREATED, project, context)
        return project


def _no_project(context: Context) -> NotFound:
    return NotFound(
        f"There is no project {context.project_id} in this organization.",
        hint="See: au2 project list",
    )


def ensure_name_is_free(transaction: Transaction, name: str, owner: Context) -> None:
    """Refuse a name that another organization, or another project of the organization, has.

    Letter case makes no difference. Raises Conflict.
    """
    is_project = owner.project_id is not None
    above, own_id = (
        (owner.organization_id, owner.project_id) if is_project else (None, owner.organization_id)
    )
    names = owners.list_names(transaction, above)
    if name.casefold() not in {n.casefold() for one, n in names.items() if one != own_id}:
        return
    noun, where = (
        ("a project", "in this organization") if is_project else ("an organization", "here")
    )
    raise Conflict(f"There is already {noun} named '{name}' {where}.", hint="Choose another name.")


def _list_contexts_of(
    organization: Organization, projects: Iterable[Project]
) -> list[tuple[Context, str | None]]:
    """Return the contexts of an organization, each with the name of its project."""
    below = [
        (Context(organization.id, project.id), project.name)
        for project in projects
        if project.organization_id == organization.id
    ]
    return [(Context(organization.id), None), *below]


def _note_creation(
    transaction: Transaction,
    action: EventAction,
    created: Organization | Project,
    context: Context,
) -> None:
    noun = "organization" if isinstance(created, Organization) else "project"
    add_event(
        transaction,
        created.created_by,
        action,
        f"{noun}:{created.id}",
        context,
        at=created.created_at,
        name=created.name,
    )


def ensure_operator(actor: Actor) -> None:
    """Refuse to create an organization unless the actor is an operator. Raises NotPermitted."""
    if not actor.is_operator:
        raise NotPermitted(
            "Only operators of this installation create organizations.",
            hint="Ask an operator of the server.",
        )
