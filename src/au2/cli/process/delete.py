"""`au2 process delete`."""

import click

from au2.cli.arguments import process_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("delete", examples=("au2 process delete forecast --yes",))
@process_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(session: Session, process: str, yes: bool) -> None:
    """Delete a process with all its versions. Records of its jobs stay."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Processes

    process_id = find_process_id(session, process)
    if not yes:
        session.console.confirm(f"Delete process {process} with all its versions?")
    Processes(session.transport).delete_process(process_id)
    session.console.remark(f"Process {process_id} is deleted.")
