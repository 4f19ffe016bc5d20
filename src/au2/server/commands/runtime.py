"""Commands ``au2-server runtime``: the base images of packages."""

import click

from au2.app.runtimes import Runtimes
from au2.console.cells import columns
from au2.console.commands import CommandSession, Group, define
from au2.domain.clock import format_time
from au2.domain.errors import Conflict, NotFound
from au2.domain.processes.runtime import Runtime
from au2.server.commands.options import data_option
from au2.server.commands.runtime_build import RUNTIME_COLUMNS, list_by_name, runtime_document
from au2.server.data_directory import DataDirectory
from au2.server.wiring.stores import opened_to_read, opened_to_write
from au2.stores.database.database import Database
from au2.stores.database.runtimes import list_builds, list_runtimes

_COLUMNS_WITH_RETIRED = {**RUNTIME_COLUMNS, **columns("retired_at")}

command = Group(
    "runtime",
    help="Build and list runtimes.",
    summaries={"build": "Build runtimes of the catalogue, or the runtime of a recipe file."},
    addresses={"build": "au2.server.commands.runtime_build:command"},
)


@define(
    "list", group=command, examples=("au2-server runtime list --data-dir /var/lib/au2",), reads=True
)
@data_option
@click.option("--all", "with_retired", is_flag=True, help="Show retired ones, too.")
def list_command(session: CommandSession, *, data: DataDirectory, with_retired: bool) -> None:
    """List the runtimes of all owners."""
    with opened_to_read(data) as database, database.read() as transaction:
        runtimes = list_runtimes(transaction, None, with_retired=with_retired)
        found = [runtime_document(one) for one in runtimes]
    shown = _COLUMNS_WITH_RETIRED if with_retired else RUNTIME_COLUMNS
    session.console.show_list(shown, found)


@define(
    "show",
    group=command,
    examples=("au2-server runtime show Python3.11 --data-dir /var/lib/au2",),
    reads=True,
)
@click.argument("name")
@data_option
def show(session: CommandSession, *, name: str, data: DataDirectory) -> None:
    """Show one runtime, by name or GUID: its newest version, all versions, and its packages."""
    with opened_to_read(data) as database:
        found = _find(database, name)
        with database.read() as transaction:
            builds = list_builds(transaction, found.id)
    record = runtime_document(found)
    if session.console.output_format == "table":
        record["versions"] = ", ".join(str(one.version) for one in builds)
        record["packages"] = len(builds[0].packages)
    else:
        record["versions"] = [
            {
                "version": one.version,
                "image_digest": one.image_digest,
                "recipe_digest": one.recipe_digest,
                "created_at": format_time(one.created_at),
            }
            for one in builds
        ]
        record["packages"] = [dict(package) for package in builds[0].packages]
    session.console.show_fields(record)


@define(
    "retire",
    group=command,
    examples=("au2-server runtime retire Python3.8 --data-dir /var/lib/au2",),
    reads=True,
)
@click.argument("name")
@data_option
def retire(session: CommandSession, *, name: str, data: DataDirectory) -> None:
    """Take a runtime, by name or GUID, out of use for new versions of processes.

    Existing versions run as before. Building the runtime again brings it back.
    """
    with opened_to_write(data) as database:
        found = Runtimes(database).retire(_find(database, name).id)
    session.console.show_fields(runtime_document(found))


def _find(database: Database, name: str) -> Runtime:
    with database.read() as transaction:
        found = list_by_name(transaction, name, with_retired=True)
    if not found:
        raise NotFound(f"There is no runtime '{name}'.", hint="See: au2-server runtime list --all")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise Conflict(f"Several runtimes are named '{name}': {ids}.", hint="Name one by its id.")
    return found[0]
