"""`au2 runtime`: base images of packages."""

from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_runtimes
from au2.console.cells import Columns, Getter, columns
from au2.console.commands import Group

if TYPE_CHECKING:
    from au2.wire.process import PackageView

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


_PACKAGES = columns("name", "version", "kind", "architecture")
_MOST_NAMES = 40


@define(
    "list", group=command, examples=("au2 runtime list", "au2 runtime list -o json"), reads=True
)
def list_runtimes(session: Session) -> None:
    """List the runtimes of the context, with global ones.

    The table is as wide as its ids need, about 100 characters; -o json has all fields.
    """
    from au2.client.resources.processes import Runtimes

    session.show_all(_LIST, Runtimes(session.transport).list_runtimes(session.context))


@define(
    "show",
    group=command,
    examples=("au2 runtime show Python3.11", "au2 runtime show Python3.11 --packages"),
    reads=True,
)
@click.argument("runtime", shell_complete=complete_runtimes)
@click.option("--packages", "lists_packages", is_flag=True, help="List the installed packages.")
def show(session: Session, runtime: str, *, lists_packages: bool) -> None:
    """Show a runtime at its newest version, and what is installed in it.

    RUNTIME is a GUID, or a name unique in the context.
    """
    from au2.cli.lookup import find_runtime_id
    from au2.client.resources.processes import Runtimes

    found = Runtimes(session.transport).get_runtime(find_runtime_id(session, runtime))
    if not lists_packages:
        session.show({**_RECORD, **_package_rows(found.packages or [])}, found)
        return
    if not found.packages:
        session.console.remark(f"Which packages {found.name} has is not known to the server.")
    session.show_all(_PACKAGES, found.packages or [])


def _package_rows(packages: "list[PackageView]") -> Columns:
    """Return a row for each kind of package, with as many names as are read at a glance."""
    named: dict[str, list[str]] = {}
    for package in packages:
        named.setdefault(package.kind, []).append(f"{package.name} {package.version}")
    return {f"{kind}_packages": _summary(names) for kind, names in sorted(named.items())}


def _summary(names: list[str]) -> Getter:
    text = ", ".join(names)
    if len(names) > _MOST_NAMES:
        text = f"{len(names)} packages; --packages lists them"
    return lambda _: text
