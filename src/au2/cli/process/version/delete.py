"""`au2 process version delete`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_processes, complete_versions
from au2.cli.session import Session


@define("delete", examples=("au2 process version delete forecast 3 --yes",))
@click.argument("process", shell_complete=complete_processes)
@click.argument("number", metavar="N", type=click.IntRange(min=1), shell_complete=complete_versions)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(session: Session, process: str, number: int, yes: bool) -> None:
    """Delete version N. Its number is not used again. A published version can't be deleted."""
    from au2.cli.naming import find_process_id
    from au2.client.processes import Versions

    process_id = find_process_id(session, process)
    if not yes:
        session.terminal.confirm(f"Delete version {number} of process {process}?")
    Versions(session.transport).delete_version(process_id, number)
    session.terminal.remark(f"Version {number} is deleted.")
