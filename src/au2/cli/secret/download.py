"""`au2 secret download`."""

import click

from au2.cli.commands import define
from au2.cli.output_file import Output, OutputType
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
    "--output-file",
    "output",
    type=OutputType(),
    metavar="F",
    default="-",
    help="Write it to a file that only you can read ('-' is stdout, as without it).",
)
def command(session: Session, name: str, output: Output) -> None:
    """Print the value of a secret of the context, exactly, and nothing else.

    Admins may. That it was read is written down.
    """
    from au2.client.resources.secrets import Secrets
    from au2.files.output import PRIVATE

    value = Secrets(session.transport).download_secret(session.context, name).encode()
    with output.open(session.console, permissions=PRIVATE) as write:
        write(value)
    if output.path is not None:
        session.console.remark(f"The value is in '{output.path}'.")
