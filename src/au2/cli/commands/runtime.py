"""`au2 runtime`: base images of packages."""

import click

from au2.cli.command import define
from au2.cli.completing import complete_runtimes
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.wire.documents import format_document

command = Group(
    "runtime",
    help="The base environments that packages run in.",
)


_LIST = columns(
    runtime="id",
    runtime_name="name",
    organization="organization",
    project="project",
    VERSION="version",
)


@define(
    "list", group=command, examples=("au2 runtime list", "au2 runtime list -o json"), reads=True
)
def list_runtimes(session: Session) -> None:
    """List the runtimes that can be used in the context."""
    from au2.client.resources.processes import Runtimes

    found = Runtimes(session.transport).list_runtimes(session.context)
    session.console.show_list(_LIST, [format_document(item) for item in found])


_RECORD = columns(
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


@define("show", group=command, examples=("au2 runtime show Python3.11",), reads=True)
@click.argument("runtime", shell_complete=complete_runtimes)
def show(session: Session, runtime: str) -> None:
    """Show a runtime at its newest version. RUNTIME is a GUID, or a name unique in the context."""
    from au2.cli.lookup import find_runtime_id
    from au2.client.resources.processes import Runtimes

    found = Runtimes(session.transport).get_runtime(find_runtime_id(session, runtime))
    session.console.show_record(_RECORD, format_document(found))
