"""`au2 process version delete`."""

import click

from au2.cli.arguments import process_argument, version_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("delete", examples=("au2 process version delete forecast 3 --yes",))
@process_argument
@version_argument()
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(session: Session, process: str, number: int, yes: bool) -> None:
    """Delete version N. Its number is not used again. A published version can't be deleted."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    process_id = find_process_id(session, process)
    if not yes:
        session.console.confirm(f"Delete version {number} of process {process}?")
    Versions(session.transport).delete_version(process_id, number)
    session.console.remark(f"Version {number} is deleted.")
