"""`au2 runtime`: base images of packages."""

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_runtimes
from au2.console.cells import columns
from au2.console.commands import Group

command = Group("runtime", help="Runtimes: the base images of packages.")

_LIST = columns(
    runtime="id",
    runtime_name="name",
    organization="organization",
    project="project",
    VERSION="version",
)
_RECORD = columns(
    *("id", "name", "language", "version", "organization", "project"),
    *("image_digest", "created_at", "retired_at"),
)


@define(
    "list", group=command, examples=("au2 runtime list", "au2 runtime list -o json"), reads=True
)
def list_runtimes(session: Session) -> None:
    """List the runtimes of the context, with global ones."""
    from au2.client.resources.processes import Runtimes

    session.show_all(_LIST, Runtimes(session.transport).list_runtimes(session.context))


@define("show", group=command, examples=("au2 runtime show Python3.11",), reads=True)
@click.argument("runtime", shell_complete=complete_runtimes)
def show(session: Session, runtime: str) -> None:
    """Show a runtime at its newest version. RUNTIME is a GUID, or a name unique in the context."""
    from au2.cli.lookup import find_runtime_id
    from au2.client.resources.processes import Runtimes

    found = Runtimes(session.transport).get_runtime(find_runtime_id(session, runtime))
    session.show(_RECORD, found)
