"""`au2 secret delete`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session


@define("delete", examples=("au2 secret delete DB_PASSWORD --yes",))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(session: Session, name: str, yes: bool) -> None:
    """Delete a secret of the context with its value.

    Jobs that need it and have not started yet will fail.
    """
    from au2.client.resources.secrets import Secrets

    if not yes:
        session.console.confirm(f"Delete the secret {name} with its value?")
    Secrets(session.transport).delete_secret(session.context, name)
    session.console.remark(f"Secret '{name}' is deleted.")
