"""`au2 process list`."""

import click

from au2.cli.commands import define
from au2.cli.process.fields import LIST
from au2.cli.session import Session


@define("list", examples=("au2 process list", "au2 process list --tag weekly -o json"), reads=True)
@click.option("--name", metavar="N", help="Only those of this name.")
@click.option("--tag", metavar="T", help="Only those with this tag.")
def command(session: Session, name: str | None, tag: str | None) -> None:
    """List the processes that are visible in the context."""
    from au2.client.resources.processes import Processes

    found = Processes(session.transport).list_processes(session.context, name=name, tag=tag)
    session.console.show_list(LIST, [item.model_dump(mode="json") for item in found])
