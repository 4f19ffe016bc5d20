"""`au2 process version publish`."""

from au2.cli.arguments import process_argument, version_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("publish", examples=("au2 process version publish forecast 3",))
@process_argument
@version_argument()
def command(session: Session, process: str, number: int) -> None:
    """Publish version N: runs take the newest published version by default."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    Versions(session.transport).publish(find_process_id(session, process), number)
    session.console.remark(f"Version {number} is published.")
