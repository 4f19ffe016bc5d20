"""Changes of organizations and projects: new names, and deletion."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from au2.app.lookup import ensure_may
from au2.app.organizations import Organizations, ensure_name_is_free
from au2.app.validation import parse_name
from au2.domain import clock as clocks
from au2.domain.accounts.account import Organization, Project
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import Conflict, InvalidRequest
from au2.domain.event import EventAction
from au2.domain.wording import count_of
from au2.stores.database import owners
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event

_PLURALS = {"process": "processes", "repository": "repositories"}


class OrganizationChanges:
    """Renaming and deletion of organizations and their projects, by admins of the organization.

    Calls raise NotFound for a foreign or missing organization or project, and NotPermitted for too
    weak a role.
    """

    def __init__(
        self,
        database: Database,
        organizations: Organizations,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._organizations = organizations
        self._clock = clock

    def rename_organization(self, actor: Actor, organization: str, name: str) -> Organization:
        """Give an organization another name. Raises InvalidRequest, Conflict: it is taken."""
        owner = self._authorize(actor, organization, None, Action.UPDATE_ORGANIZATION)
        present = self._organizations.get_organization(actor, owner.organization_id)
        wanted = parse_name(name, "an organization")
        self._rename(actor, owner, present.name, wanted, EventAction.ORGANIZATION_RENAMED)
        return replace(present, name=wanted)

    def rename_project(self, actor: Actor, organization: str, project: str, name: str) -> Project:
        """Give a project another name. Raises InvalidRequest, Conflict: it is taken."""
        owner = self._authorize(actor, organization, project, Action.UPDATE_PROJECT)
        present = self._organizations.get_project(actor, owner)
        wanted = parse_name(name, "a project")
        self._rename(actor, owner, present.name, wanted, EventAction.PROJECT_RENAMED)
        return replace(present, name=wanted)

    def delete_organization(
        self, actor: Actor, organization: str, *, name: str | None = None
    ) -> None:
        """Delete an organization as :meth:`delete_project` does a project.

        Garbage collection removes the logs of its jobs, which nobody may read any more.
        """
        owner = self._authorize(actor, organization, None, Action.DELETE_ORGANIZATION)
        present = self._organizations.get_organization(actor, owner.organization_id)
        self._delete(actor, owner, present.name, name, EventAction.ORGANIZATION_DELETED)

    def delete_project(
        self, actor: Actor, organization: str, project: str, *, name: str | None = None
    ) -> None:
        """Delete a project; with all that is in it if its ``name`` is given.

        Records and logs of its jobs stay.

        Raises:
            InvalidRequest: ``name`` is another name.
            Conflict: jobs are unfinished, or something is in it and no name was given.
        """
        owner = self._authorize(actor, organization, project, Action.DELETE_PROJECT)
        present = self._organizations.get_project(actor, owner)
        self._delete(actor, owner, present.name, name, EventAction.PROJECT_DELETED)
        self._organizations.forget_project(present.id)

    def _authorize(
        self, actor: Actor, organization: str, project: str | None, action: Action
    ) -> Context:
        """Return the owner. An admin of a project alone neither renames nor deletes the project."""
        owner = self._organizations.resolve_context(actor, organization, project)
        ensure_may(actor, action, Context(owner.organization_id))
        return owner

    def _rename(
        self, actor: Actor, owner: Context, present: str, wanted: str, action: EventAction
    ) -> None:
        with self._database.write() as transaction:
            ensure_name_is_free(transaction, wanted, owner)
            owners.rename_owner(transaction, owner, wanted)
            self._note(transaction, actor, owner, action, {"old_name": present, "name": wanted})

    def _delete(
        self, actor: Actor, owner: Context, present: str, name: str | None, action: EventAction
    ) -> None:
        noun = _noun_of(owner)
        if name is not None and name != present:
            raise InvalidRequest(f"The {noun} is named '{present}', not '{name[:200]}'.")
        with self._database.write() as transaction:
            unfinished = owners.count_unfinished_jobs(transaction, owner)
            if unfinished:
                raise Conflict(
                    f"{count_of(unfinished, 'job')} of the {noun} '{present}' "
                    f"{'is' if unfinished == 1 else 'are'} not finished.",
                    hint="Wait for their end, or stop them: au2 job stop JOB",
                )
            possessions = owners.count_possessions(transaction, owner)
            if possessions and name is None:
                raise _not_empty(noun, present, possessions)
            owners.delete_owner(transaction, owner, at=self._clock())
            self._note(transaction, actor, owner, action, {"name": present, **possessions})

    def _note(
        self,
        transaction: Transaction,
        actor: Actor,
        owner: Context,
        action: EventAction,
        data: Mapping[str, object],
    ) -> None:
        subject = f"{_noun_of(owner)}:{owner.project_id or owner.organization_id}"
        at = self._clock()
        above = Context(owner.organization_id)
        add_event(transaction, actor.email, action, subject, above, at=at, **data)


def _noun_of(owner: Context) -> str:
    return "organization" if owner.project_id is None else "project"


def _not_empty(noun: str, name: str, possessions: Mapping[str, int]) -> Conflict:
    counts = [count_of(number, one, _PLURALS.get(one)) for one, number in possessions.items()]
    return Conflict(
        f"The {noun} '{name}' is not empty: it has {', '.join(counts)}.",
        hint="To delete all of that too, give its name: --with-contents NAME (over HTTP: "
        "?name=NAME).",
    )
