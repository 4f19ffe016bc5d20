"""`au2 project`."""

import click

from au2.cli.command import define
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.wire.documents import format_document

command = Group(
    "project",
    help="Projects in the organization of the context.",
)


_LIST = columns("id", "name", "organization", "created_at")


@define("list", group=command, examples=("au2 project list",), reads=True)
def list_projects(session: Session) -> None:
    """List the organization's projects that you may see."""
    from au2.client.resources.organizations import Organizations

    organization = session.context.organization_id
    found = Organizations(session.transport).list_projects(organization)
    session.console.show_list(_LIST, [format_document(item) for item in found])


_RECORD = columns("id", "name", "organization")


@define("create", group=command, examples=("au2 project create forecasting",), reads=True)
@click.argument("name")
def create(session: Session, name: str) -> None:
    """Create a project in the organization of the context."""
    from au2.client.resources.organizations import Organizations

    organization = session.context.organization_id
    made = Organizations(session.transport).create_project(organization, name)
    session.console.show_record(_RECORD, format_document(made))
