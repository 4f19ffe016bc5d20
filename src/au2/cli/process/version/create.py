"""`au2 process version create`."""

import click

from au2.cli.commands import define
from au2.cli.process.version.fields import CREATED
from au2.cli.session import Session


@define(
    "create",
    examples=('au2 process version create forecast --description "with the new model"',),
    reads=True,
)
@click.argument("process")
@click.option("--description", metavar="D", default="", help="What is new in it.")
def command(session: Session, process: str, description: str) -> None:
    """Make an empty version that waits for an image of your own.

    For a package this is not needed: `au2 process repo upload` makes the version.
    """
    from au2.cli.naming import find_process_id
    from au2.client.processes import Versions

    process_id = find_process_id(session, process)
    made = Versions(session.transport).create_version(process_id, description)
    session.terminal.show_record(CREATED, made.model_dump(mode="json"))
