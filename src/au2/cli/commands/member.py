"""`au2 member`: roles in an organization or project."""

import click

from au2.cli.command import define
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.wire.documents import format_document

command = Group(
    "member",
    help="Who may do what in the context (an organization, or a project in it).",
)


_COLUMNS = columns("email", "role", "project")


@define("list", group=command, examples=("au2 member list",), reads=True)
def list_members(session: Session) -> None:
    """List the members of the context. Without a project: members of the whole organization."""
    from au2.client.resources.organizations import Organizations

    found = Organizations(session.transport).list_members(session.context)
    session.console.show_list(_COLUMNS, [format_document(item) for item in found])


_ROLES = ("viewer", "runner", "developer", "admin")


_COLUMNS = columns("email", "role", "project")


_NEW_USER = columns("email", "role", "project", "initial_password")


@define(
    "add", group=command, examples=("au2 member add you@example.org --role developer",), reads=True
)
@click.argument("email")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What they may do.")
def add(session: Session, email: str, role: str) -> None:
    """Give somebody a role in the context.

    A viewer looks, a runner also runs, a developer also makes processes and versions, an admin also
    manages members and projects. Only an operator of the installation may name somebody new, who
    then gets a first password, which is shown once.
    """
    from au2.client.resources.organizations import Organizations

    added = Organizations(session.transport).add_member(session.context, email, role)
    is_new = added.initial_password is not None
    shown = _NEW_USER if is_new else _COLUMNS
    session.console.show_record(shown, format_document(added))
    if is_new:
        session.console.remark("Pass the first password on now: it is not shown again.")
        session.console.remark("Tell them to log in and to change it with: au2 password")


@define("remove", group=command, examples=("au2 member remove you@example.org",))
@click.argument("email")
def remove(session: Session, email: str) -> None:
    """Take somebody's role in the context away."""
    from au2.client.resources.organizations import Organizations

    Organizations(session.transport).remove_member(session.context, email)
    session.console.remark(f"{email} is no member here any more.")
