"""`au2 process version show`."""

from au2.cli.arguments import process_argument, version_argument
from au2.cli.commands import define
from au2.cli.process.version.fields import RECORD
from au2.cli.session import Session


@define("show", examples=("au2 process version show forecast 3",), reads=True)
@process_argument
@version_argument()
def command(session: Session, process: str, number: int) -> None:
    """Show version N of a process."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    process_id = find_process_id(session, process)
    found = Versions(session.transport).get_version(process_id, number)
    session.console.show_record(RECORD, found.model_dump(mode="json"))
