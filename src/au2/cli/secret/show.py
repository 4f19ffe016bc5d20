"""`au2 secret show`."""

import click

from au2.cli.commands import define
from au2.cli.secret.fields import RECORD
from au2.cli.session import Session


@define("show", examples=("au2 secret show DB_PASSWORD",), reads=True)
@click.argument("name")
def command(session: Session, name: str) -> None:
    """Show a secret, without its value.

    In a project, its own secret wins over the organization's of the same name.
    """
    from au2.client.resources.secrets import Secrets

    found = Secrets(session.transport).get_secret(session.context, name)
    session.console.show_record(RECORD, found.model_dump(mode="json"))
