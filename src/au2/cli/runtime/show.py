"""`au2 runtime show`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_runtimes
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns(
    "id",
    "name",
    "language",
    "version",
    "organization",
    "project",
    "image_digest",
    "created_at",
    "retired_at",
)


@define("show", examples=("au2 runtime show Python3.11",), reads=True)
@click.argument("runtime", shell_complete=complete_runtimes)
def command(session: Session, runtime: str) -> None:
    """Show a runtime at its newest version. RUNTIME is a GUID, or a name unique in the context."""
    from au2.cli.lookup import find_runtime_id
    from au2.client.resources.runtimes import Runtimes

    found = Runtimes(session.transport).get_runtime(find_runtime_id(session, runtime))
    session.console.show_record(_COLUMNS, found.model_dump(mode="json"))
