"""`au2 project create`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("id", "name", "organization")


@define("create", examples=("au2 project create forecasting",), reads=True)
@click.argument("name")
def command(session: Session, name: str) -> None:
    """Make a project in the organization of the context."""
    from au2.client.resources.organizations import Organizations

    organization = session.context.organization_id
    made = Organizations(session.transport).create_project(organization, name)
    session.console.show_record(_COLUMNS, made.model_dump(mode="json"))
