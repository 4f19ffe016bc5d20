"""Organizations, projects and members: `au2 organization`, `project`, `member`."""

from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.context.account_completion import complete_members
from au2.cli.lookup import find_organization, find_project
from au2.cli.options import yes_option
from au2.console.cells import WideColumn, columns
from au2.console.commands import Group

if TYPE_CHECKING:
    from au2.client.resources.organizations import Organizations

command = Group("organization", help="Organizations.")
project = Group("project", help="Projects in the organization of the context.")
member = Group(
    "member", help="Members of the context (an organization or project) and their roles."
)

_ORGANIZATIONS = columns("id", "name", "created_at")
_NEW_ORGANIZATION = columns("id", "name")
_PROJECTS = columns("id", "name", organization=WideColumn("organization"), created_at="created_at")
_NEW_PROJECT = columns("id", "name", "organization")
_MEMBERS = columns("email", "role", "project")
_NEW_USER = columns("email", "role", "project", "initial_password")
_ROLES = ("viewer", "runner", "developer", "admin")


_contents_option = click.option(
    "--with-contents",
    "contents_of",
    metavar="NAME",
    help="Delete what is inside, too; NAME is the exact name, so that nothing else is meant.",
)


def _calls(session: Session) -> "Organizations":
    from au2.client.resources.organizations import Organizations

    return Organizations(session.transport)


@define("list", group=command, examples=("au2 organization list",), reads=True, has_context=False)
def list_organizations(session: Session) -> None:
    """List the organizations you belong to."""
    session.show_all(_ORGANIZATIONS, _calls(session).list_organizations())


@define(
    "create",
    group=command,
    examples=('au2 organization create "Data science"',),
    reads=True,
    has_context=False,
)
@click.argument("name")
def create_organization(session: Session, name: str) -> None:
    """Create an organization (operators only)."""
    session.show(_NEW_ORGANIZATION, _calls(session).create_organization(name))


@define(
    "rename",
    group=command,
    examples=('au2 organization rename "Data science" Research',),
    reads=True,
    has_context=False,
)
@click.argument("organization")
@click.argument("name")
def rename_organization(session: Session, organization: str, name: str) -> None:
    """Give an organization another name (admins only). ORGANIZATION is its name or GUID."""
    calls = _calls(session)
    found = find_organization(calls, organization)
    session.show(_NEW_ORGANIZATION, calls.rename_organization(found.id, name))


@define(
    "delete",
    group=command,
    examples=("au2 organization delete Research --with-contents Research",),
    has_context=False,
)
@click.argument("organization")
@_contents_option
@yes_option
def delete_organization(
    session: Session, organization: str, contents_of: str | None, yes: bool
) -> None:
    """Delete an organization (admins only). ORGANIZATION is its name or GUID.

    Unfinished jobs keep it, and so does anything that is inside, unless --with-contents is given.
    """
    calls = _calls(session)
    found = find_organization(calls, organization)
    _confirm(session, f"organization '{found.name}'", contents_of, yes=yes)
    calls.delete_organization(found.id, name=contents_of)
    session.console.report(f"Organization '{found.name}' is deleted.", {"deleted": found.id})


def _confirm(session: Session, owner: str, contents_of: str | None, *, yes: bool) -> None:
    contents = "" if contents_of is None else " with all that is in it"
    if not yes:
        session.console.confirm(f"Delete the {owner}{contents}?")


@define("list", group=project, examples=("au2 project list",), reads=True)
def list_projects(session: Session) -> None:
    """List the projects of the organization, as far as you may see them."""
    organization = session.context.organization_id
    session.show_all(_PROJECTS, _calls(session).list_projects(organization))


@define("create", group=project, examples=("au2 project create forecasting",), reads=True)
@click.argument("name")
def create_project(session: Session, name: str) -> None:
    """Create a project in the organization of the context."""
    organization = session.context.organization_id
    session.show(_NEW_PROJECT, _calls(session).create_project(organization, name))


@define("rename", group=project, examples=("au2 project rename forecast demand",), reads=True)
@click.argument("wanted", metavar="PROJECT")
@click.argument("name")
def rename_project(session: Session, wanted: str, name: str) -> None:
    """Give a project of the organization another name (the organization's admins only)."""
    calls, organization = _calls(session), session.context.organization_id
    found = find_project(calls, organization, wanted)
    session.show(_NEW_PROJECT, calls.rename_project(organization, found.id, name))


@define("delete", group=project, examples=("au2 project delete demand --with-contents demand",))
@click.argument("wanted", metavar="PROJECT")
@_contents_option
@yes_option
def delete_project(session: Session, wanted: str, contents_of: str | None, yes: bool) -> None:
    """Delete a project of the organization (the organization's admins only).

    Unfinished jobs keep it, and so does anything that is inside, unless --with-contents is given.
    Records and logs of its jobs stay.
    """
    calls, organization = _calls(session), session.context.organization_id
    found = find_project(calls, organization, wanted)
    _confirm(session, f"project '{found.name}'", contents_of, yes=yes)
    calls.delete_project(organization, found.id, name=contents_of)
    session.console.report(f"Project '{found.name}' is deleted.", {"deleted": found.id})


@define("list", group=member, examples=("au2 member list",), reads=True)
def list_members(session: Session) -> None:
    """List the members of the context. Without a project: members of the whole organization."""
    from au2.wire.documents import format_document

    calls, context = _calls(session), session.context
    members = calls.list_members(context)
    names: dict[str, str] = {}
    if not session.console.makes_document and any(member.project for member in members):
        names = {found.id: found.name for found in calls.list_projects(context.organization_id)}
    shown = {**_MEMBERS, "project": lambda document: names.get(document["project"])}
    shown["project_id"] = WideColumn("project")
    session.console.show_list(shown, [format_document(member) for member in members])


@define(
    "add", group=member, examples=("au2 member add you@example.org --role developer",), reads=True
)
@click.argument("email")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="The role.")
def add_member(session: Session, email: str, role: str) -> None:
    """Give a user a role in the context.

    Viewers read, runners also run, developers also create processes and versions, admins also
    manage members and projects. Only an operator of the installation may name a new user, who
    then gets an initial password, which is shown once.
    """
    added = _calls(session).add_member(session.context, email, role)
    is_new = added.initial_password is not None
    session.show(_NEW_USER if is_new else _MEMBERS, added)
    if is_new:
        session.console.remark("Pass the initial password on now: it is not shown again.")
        session.console.remark("Ask the user to log in and to change it with: au2 password")


@define("remove", group=member, examples=("au2 member remove you@example.org",))
@click.argument("email", shell_complete=complete_members)
def remove_member(session: Session, email: str) -> None:
    """Remove a user's role in the context."""
    _calls(session).remove_member(session.context, email)
    session.console.report(
        f"{email} is not a member here any more.", {"email": email, "removed": True}
    )
