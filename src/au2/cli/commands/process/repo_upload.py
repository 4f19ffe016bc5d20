"""`au2 process repo upload`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import define
from au2.cli.completing import complete_processes
from au2.cli.session import Session
from au2.console.parameters import PathType

if TYPE_CHECKING:
    from au2.client.packages.local_package import LoadedPackage


@define(
    "upload",
    examples=(
        "au2 process repo upload",
        "au2 process repo upload --plan",
        "au2 process repo upload forecast --yes --wait",
        "au2 process repo upload --process eadf98c2-8e85-46ae-b81a-640d9d326109",
    ),
)
@click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=PathType(exists=True, file_okay=False, path_type=Path),
)
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="The process to add a version to: GUID or name.",
)
@click.option("--new", is_flag=True, help="Create a new process, even if one has that name.")
@click.option("--force", is_flag=True, help="Create a new version even if nothing has changed.")
@click.option("--plan", is_flag=True, help="Show what would be uploaded. Nothing is sent.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Show the build and wait for it; fail if it fails.")
def command(
    session: Session,
    *,
    directory: Path,
    process: str | None,
    new: bool,
    force: bool,
    plan: bool,
    yes: bool,
    wait: bool,
) -> None:
    """Upload a package as a new version of its process.

    The process is found by its id in aunsight.yml, else by its name in the context; if there is
    none, it is made, also of several uploads at once only by the first. Only files that the server
    does not have are sent. A package that the newest version was made of makes no new one. A job
    then builds the image; its record and log tell what went wrong, if something does.

    Files that may hold secrets (.env, private keys, .aws/, .ssh/) are left out unless .auignore
    takes them; each is named, with the line that takes it.
    """
    from au2.cli.packages.package_remarks import remark_on_files, remark_on_schemas, show_plan
    from au2.cli.packages.package_upload import confirm_upload, make_plan, send_package
    from au2.client.packages.local_package import load_package

    if process is not None and new:
        raise click.UsageError("Give --process or --new, not both.")
    package = load_package(directory)
    remark_on_schemas(session.console, package.schemas)
    remark_on_files(session.console, package.files)
    if plan:
        show_plan(session.console, package.files)
        return
    process_id = _find_process(session, package, stated=process, new=new)
    wanted = make_plan(package, process_id, new=new, force=force)
    agreed = wanted if yes else confirm_upload(session, package, wanted)
    if agreed is None:
        return
    sent = send_package(session, package, agreed)
    if sent is None:
        return
    if wait:
        from au2.cli.packages.follow_build import watch_build

        watch_build(session, sent.version, sent.job, process_id=sent.process)
        return
    from au2.cli.packages.follow_build import tell_what_runs

    tell_what_runs(session, sent.process, sent.version, is_built=False)


def _find_process(
    session: Session, package: "LoadedPackage", *, stated: str | None, new: bool
) -> str | None:
    """Return the process's id; None: the server finds or makes the one of the package's name."""
    from au2.cli.lookup import find_process_id

    if new:
        return None
    if stated is not None:
        return find_process_id(session, stated)
    return package.process_id(session.context)
