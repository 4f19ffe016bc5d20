"""`au2 process version publish`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_processes, complete_versions
from au2.cli.session import Session


@define("publish", examples=("au2 process version publish forecast 3",))
@click.argument("process", shell_complete=complete_processes)
@click.argument("number", metavar="N", type=click.IntRange(min=1), shell_complete=complete_versions)
def command(session: Session, process: str, number: int) -> None:
    """Publish version N: runs take the newest published version by default."""
    from au2.cli.naming import find_process_id
    from au2.client.processes import Versions

    Versions(session.transport).publish(find_process_id(session, process), number)
    session.terminal.remark(f"Version {number} is published.")
