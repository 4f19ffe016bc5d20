"""`au2 process create`."""

import click

from au2.cli.commands import define
from au2.cli.process.fields import RECORD
from au2.cli.session import Session


@define(
    "create",
    examples=('au2 process create --name forecast --description "Weekly forecast"',),
    reads=True,
)
@click.option("--name", metavar="N", required=True, help="Its name; need not be unique.")
@click.option("--description", metavar="D", default="", help="What it does, in Markdown.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="A tag; may be repeated.")
def command(session: Session, name: str, description: str, tags: tuple[str, ...]) -> None:
    """Make a process without versions.

    For a package this is not needed: `au2 process repo upload` makes its process.
    """
    from au2.client.resources.processes import Processes

    calls = Processes(session.transport)
    made = calls.create_process(session.context, name, description, list(tags))
    session.console.show_record(RECORD, made.model_dump(mode="json"))
