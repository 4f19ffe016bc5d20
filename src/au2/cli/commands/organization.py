"""`au2 organization`."""

import click

from au2.cli.command import define
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.wire.documents import format_document

command = Group(
    "organization",
    help="Organizations.",
)


_LIST = columns("id", "name", "created_at")


@define("list", group=command, examples=("au2 organization list",), reads=True)
def list_organizations(session: Session) -> None:
    """List the organizations you belong to."""
    from au2.client.resources.organizations import Organizations

    found = Organizations(session.transport).list_organizations()
    session.console.show_list(_LIST, [format_document(item) for item in found])


_RECORD = columns("id", "name")


@define("create", group=command, examples=('au2 organization create "Data science"',), reads=True)
@click.argument("name")
def create(session: Session, name: str) -> None:
    """Create an organization (operators only)."""
    from au2.client.resources.organizations import Organizations

    made = Organizations(session.transport).create_organization(name)
    session.console.show_record(_RECORD, format_document(made))
