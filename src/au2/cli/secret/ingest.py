"""`au2 secret ingest`."""

import click

from au2.cli.commands import define
from au2.cli.secret.values import value_options
from au2.cli.session import Session


@define(
    "ingest",
    examples=(
        "au2 secret ingest DB_PASSWORD",
        "au2 secret ingest DB_PASSWORD --stdin < password.txt",
        "au2 secret ingest TLS_KEY --file key.pem",
    ),
)
@click.argument("name")
@value_options
def command(session: Session, *, name: str, from_stdin: bool, file: str | None) -> None:
    """Give a secret of the context a value, or another one.

    At a terminal the value is asked for and not shown. Jobs that run already keep the value that
    they were given.
    """
    from au2.cli.secret.values import read_stated
    from au2.client.resources.secrets import Secrets

    console = session.console
    value = read_stated(console, from_stdin=from_stdin, file=file)
    if value is None:
        value = console.ask_secret(f"Value of {name}", flag="--stdin or --file")
    Secrets(session.transport).ingest_secret(session.context, name, value)
    console.remark(f"Secret '{name}' has this value from now on.")
