"""`au2 runtime list`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns(
    runtime="id",
    runtime_name="name",
    organization="organization",
    project="project",
    VERSION="version",
)


@define("list", examples=("au2 runtime list", "au2 runtime list -o json"), reads=True)
def command(session: Session) -> None:
    """List the runtimes that can be used in the context."""
    from au2.client.resources.runtimes import Runtimes

    found = Runtimes(session.transport).list_runtimes(session.context)
    session.console.show_list(_COLUMNS, [item.model_dump(mode="json") for item in found])
