"""`au2 process repo upload`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.commands import define
from au2.cli.session import Session

if TYPE_CHECKING:
    from au2.client.packages import LoadedPackage


@define(
    "upload",
    examples=(
        "au2 process repo upload",
        "au2 process repo upload forecast --yes --wait",
        "au2 process repo upload --process eadf98c2-8e85-46ae-b81a-640d9d326109",
    ),
)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--process", metavar="P", help="The process to add a version to: GUID or name.")
@click.option("--new", is_flag=True, help="Make a new process, even if there is one of that name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Wait until the image is built; fail if it fails.")
def command(
    session: Session, *, directory: Path, process: str | None, new: bool, yes: bool, wait: bool
) -> None:
    """Upload a package as a new version of its process.

    The process is found by its id in aunsight.yml, else by its name in the context; if there is
    none, it is made. Only files that the server does not have are sent. A job then builds the
    image; its record and log tell what went wrong, if something does.
    """
    from au2.cli.process.repo.sending import send_package
    from au2.client.packages import load_package

    if process is not None and new:
        raise click.UsageError("Give --process or --new, not both.")
    package = load_package(directory)
    process_id = _find_process(session, package, stated=process, new=new)
    if not yes:
        _ask(session, package, process_id)
    job = send_package(session, package, process_id)
    if wait:
        from au2.cli.waiting import conclude, wait_for_job

        conclude(session.terminal, wait_for_job(session, job.id))


def _find_process(
    session: Session, package: "LoadedPackage", *, stated: str | None, new: bool
) -> str | None:
    """Return the process's id; None: a new one is to be made."""
    from au2.cli.naming import find_process_id
    from au2.client.naming import list_named
    from au2.domain.errors import Conflict, Detail

    if new:
        return None
    if stated is not None:
        return find_process_id(session, stated)
    known = package.process_id(session.context)
    if known is not None:
        return known
    name = package.manifest.name
    found = list_named(session.transport, session.context, "/processes", name)
    # Seen from a project, the organization's processes are there too, but an upload stays here.
    own = [item for item in found if item.context == session.context]
    if len(own) > 1:
        raise Conflict(
            f"{len(own)} processes are named '{name}' in this context.",
            hint="Choose one with --process ID, or make another with --new.",
            details=[Detail(item.id) for item in own],
        )
    return own[0].id if own else None


def _ask(session: Session, package: "LoadedPackage", process_id: str | None) -> None:
    name = package.manifest.name
    if process_id is None:
        session.terminal.confirm(f"There is no process '{name}' here yet. Make it?")
    else:
        session.terminal.confirm(f"Make a new version of process '{name}' ({process_id})?")
