"""`au2 process show`."""

from au2.cli.arguments import process_argument
from au2.cli.commands import define
from au2.cli.process.fields import RECORD
from au2.cli.session import Session


@define("show", examples=("au2 process show forecast",), reads=True)
@process_argument
def command(session: Session, process: str) -> None:
    """Show a process. PROCESS is a GUID, or a name that is unique in the context."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Processes

    found = Processes(session.transport).get_process(find_process_id(session, process))
    session.console.show_record(RECORD, found.model_dump(mode="json"))
