"""`au2 process version unpublish`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_processes, complete_versions
from au2.cli.session import Session


@define("unpublish", examples=("au2 process version unpublish forecast 3",))
@click.argument("process", shell_complete=complete_processes)
@click.argument("number", metavar="N", type=click.IntRange(min=1), shell_complete=complete_versions)
def command(session: Session, process: str, number: int) -> None:
    """Take the publication of version N back."""
    from au2.cli.naming import find_process_id
    from au2.client.processes import Versions

    Versions(session.transport).unpublish(find_process_id(session, process), number)
    session.terminal.remark(f"Version {number} is not published any more.")
