"""`au2 secret download`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session


@define(
    "download",
    examples=(
        "au2 secret download DB_PASSWORD",
        "au2 secret download TLS_KEY --output-file key.pem",
    ),
)
@click.argument("name")
@click.option(
    "--output-file", "file", metavar="F", help="Write it to a file that only you can read."
)
def command(session: Session, name: str, file: str | None) -> None:
    """Print the value of a secret of the context, exactly, and nothing else.

    Admins may. That it was read is written down.
    """
    from au2.cli.secret.values import write_private
    from au2.client.secrets import Secrets

    value = Secrets(session.transport).download_secret(session.context, name).encode()
    if file is None:
        session.terminal.bytes_out(value)
        session.terminal.flush()
        return
    write_private(file, value)
    session.terminal.remark(f"The value is in '{file}'.")
