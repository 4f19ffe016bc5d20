"""`au2 process version unpublish`."""

from au2.cli.arguments import process_argument, version_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("unpublish", examples=("au2 process version unpublish forecast 3",))
@process_argument
@version_argument()
def command(session: Session, process: str, number: int) -> None:
    """Take the publication of version N back."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    Versions(session.transport).unpublish(find_process_id(session, process), number)
    session.console.remark(f"Version {number} is not published any more.")
