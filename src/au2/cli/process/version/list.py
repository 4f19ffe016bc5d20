"""`au2 process version list`."""

from au2.cli.arguments import process_argument
from au2.cli.commands import define
from au2.cli.process.version.fields import LIST
from au2.cli.session import Session


@define("list", examples=("au2 process version list forecast",), reads=True)
@process_argument
def command(session: Session, process: str) -> None:
    """List the versions of a process. PROCESS is a GUID, or a name unique in the context."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    found = Versions(session.transport).list_versions(find_process_id(session, process))
    session.console.show_list(LIST, [item.model_dump(mode="json") for item in found])
