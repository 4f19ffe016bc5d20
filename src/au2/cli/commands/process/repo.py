"""`au2 process repo`: packages, the source folders of versions."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_processes, complete_runtimes, package_argument, yes_option
from au2.console.cells import columns
from au2.console.commands import Group
from au2.domain.errors import AnswerNeeded, Conflict, InvalidPackage, NotFound

if TYPE_CHECKING:
    from au2.client.packages.local_package import LoadedPackage
    from au2.wire.process import RuntimeView

command = Group(
    "repo",
    help="Packages: folders of code that become versions of a process.",
    summaries={"run": "Run a package on this machine."},
    addresses={"run": "au2.cli.commands.process.repo_run:command"},
)

_VIOLATIONS = columns("file", "line", "message")


@define(
    "init",
    group=command,
    examples=(
        "au2 process repo init",
        "au2 process repo init forecast --name forecast --runtime Python3.11 --yes",
    ),
)
@package_argument(exists=False)
@click.option("--name", metavar="N", help="Name of the process.")
@click.option("--description", metavar="D", help="A description, in Markdown.")
@click.option(
    "--runtime",
    metavar="R",
    shell_complete=complete_runtimes,
    help="The runtime: a GUID, or a name unique in the context.",
)
@click.option("--yes", is_flag=True, help="Do not ask: take the folder's name, and no description.")
def init(
    session: Session,
    *,
    directory: Path,
    name: str | None,
    description: str | None,
    runtime: str | None,
    yes: bool,
) -> None:
    """Make a folder a package: a process repository.

    Asks for the values not given by options. Existing files stay as they are.
    """
    from au2.client.resources.processes import Runtimes
    from au2.domain.container_contract import Language
    from au2.package import names
    from au2.package.template import write_package

    console = session.console
    if (directory / names.MANIFEST).exists():
        # Before anything is asked.
        raise Conflict(
            f"There is already an {names.MANIFEST} in '{directory}'.",
            hint="Edit it, or choose another folder.",
        )
    runtimes = Runtimes(session.transport).list_runtimes(session.context)
    proposed = directory.resolve().name or "my-process"
    if name is None:
        name = proposed if yes else console.ask("Process Name", flag="--name", default=proposed)
    if description is None:
        description = "" if yes else console.ask("Description", flag="--description", default="")
    chosen = _choose_runtime(session, runtimes, runtime, yes=yes)
    written = write_package(
        directory,
        name=name,
        description=description,
        runtime=chosen.id,
        language=Language(chosen.language),
    )
    console.remark(f"'{directory}' is a package now, for runtime {chosen.name}:")
    for file_name in written:
        console.remark(f"  {file_name}")
    console.remark("Edit it, then upload it with: au2 process repo upload")


def _choose_runtime(
    session: Session, runtimes: "Sequence[RuntimeView]", stated: str | None, *, yes: bool
) -> "RuntimeView":
    from au2.cli.lookup import find_one

    usable = [runtime for runtime in runtimes if runtime.retired_at is None]
    if not usable:
        raise NotFound("There is no runtime in this context. An operator can build one.")
    if stated is not None:
        return find_one(usable, stated, "runtime")
    if yes:
        if len(usable) == 1:
            return usable[0]
        raise AnswerNeeded("There are several runtimes.", hint="Choose one with --runtime.")
    choices = [(runtime.name, runtime.id) for runtime in usable]
    return usable[session.console.choose("Runtime", choices, flag="--runtime")]


@define(
    "check",
    group=command,
    examples=("au2 process repo check", "au2 process repo check forecast -o json"),
    reads=True,
)
@package_argument()
def check(session: Session, directory: Path) -> None:
    """Find every error in a package, with file and line. Nothing is sent.

    Warns of files left out because they may hold secrets, and of misspelled names.

    Ends with 1 if there is an error.
    """
    from au2.cli.package_remarks import remark_on_files, remark_on_schemas
    from au2.package.check import inspect_package
    from au2.package.schemas import load_schemas

    console = session.console
    found = inspect_package(directory)
    errors = found.errors
    remark_on_files(console, found.files)
    if console.output_format != "table":
        console.show_list(_VIOLATIONS, [asdict(error) for error in errors])
    if not errors:
        remark_on_schemas(console, load_schemas(directory))
        console.remark("The package is fine.")
        return
    if console.output_format != "table":
        raise click.exceptions.Exit(1)
    raise InvalidPackage(details=errors)


@define(
    "upload",
    group=command,
    examples=(
        "au2 process repo upload",
        "au2 process repo upload --plan",
        "au2 process repo upload forecast --yes --wait",
        "au2 process repo upload --process eadf98c2-8e85-46ae-b81a-640d9d326109",
    ),
)
@package_argument()
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="The process to add a version to: GUID or name.",
)
@click.option("--new", is_flag=True, help="Create a new process, even if one has that name.")
@click.option("--force", is_flag=True, help="Create a new version even if nothing has changed.")
@click.option("--plan", is_flag=True, help="Show what would be uploaded. Nothing is sent.")
@yes_option
@click.option("--wait", is_flag=True, help="Show the build and wait for it; fail if it fails.")
def upload(
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

    The process is found by its id in aunsight.yml, else by its name in the context, else created;
    of several concurrent uploads, only the first creates a process. Only files missing on the
    server are sent. A package equal to the newest version makes no new version. A job then builds
    the image; if the build fails, the job's record and log say why.

    Files that may hold secrets (.env, private keys, .aws/, .ssh/) are left out unless .auignore
    includes them; each is named, with the line to include it.
    """
    from au2.cli.package_remarks import remark_on_files, remark_on_schemas, show_plan
    from au2.cli.package_upload import confirm_upload, make_plan, send_package
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
    from au2.cli.build_wait import tell_default, watch_build

    if wait:
        watch_build(session, sent.version, sent.job, process_id=sent.process)
    else:
        tell_default(session, sent.process, sent.version, is_built=False)


def _find_process(
    session: Session, package: "LoadedPackage", *, stated: str | None, new: bool
) -> str | None:
    """Return the process's id; None: the server takes a process of the package's name."""
    if new:
        return None
    if stated is not None:
        return session.find_process(stated)
    return package.process_id(session.context)
