"""`au2 organization create`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("id", "name")


@define("create", examples=('au2 organization create "Data science"',), reads=True)
@click.argument("name")
def command(session: Session, name: str) -> None:
    """Make an organization (operators only)."""
    from au2.client.resources.organizations import Organizations

    made = Organizations(session.transport).create_organization(name)
    session.console.show_record(_COLUMNS, made.model_dump(mode="json"))
