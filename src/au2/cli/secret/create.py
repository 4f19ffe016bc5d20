"""`au2 secret create`."""

import click

from au2.cli.commands import define
from au2.cli.secret.fields import RECORD
from au2.cli.secret.values import value_options
from au2.cli.session import Session


@define(
    "create",
    examples=(
        'au2 secret create DB_PASSWORD --description "Of the reporting database"',
        "au2 secret create DB_PASSWORD --stdin < password.txt",
    ),
    reads=True,
)
@click.argument("name")
@click.option("--description", metavar="D", default="", help="What it is for.")
@value_options
def command(
    session: Session, *, name: str, description: str, from_stdin: bool, file: str | None
) -> None:
    """Make a secret of the context.

    NAME has letters, digits, '_', '-' and '.'. Without a value it can't be used yet: give it one
    with `au2 secret ingest`, or here.
    """
    from au2.cli.secret.values import read_stated
    from au2.client.resources.secrets import Secrets

    value = read_stated(session.console, from_stdin=from_stdin, file=file)
    made = Secrets(session.transport).create_secret(session.context, name, description, value)
    session.console.show_record(RECORD, made.model_dump(mode="json"))
    if not made.has_value:
        session.console.remark(f"Give it a value with: au2 secret ingest {name}")
