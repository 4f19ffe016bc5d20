"""`au2 process show`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_processes
from au2.cli.process.fields import RECORD
from au2.cli.session import Session


@define("show", examples=("au2 process show forecast",), reads=True)
@click.argument("process", shell_complete=complete_processes)
def command(session: Session, process: str) -> None:
    """Show a process. PROCESS is a GUID, or a name that is unique in the context."""
    from au2.cli.naming import find_process_id
    from au2.client.processes import Processes

    found = Processes(session.transport).get_process(find_process_id(session, process))
    session.terminal.show_record(RECORD, found.model_dump(mode="json"))
