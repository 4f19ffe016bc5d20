"""`au2 process repo`: packages, folders of code that become versions."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import define
from au2.cli.completing import complete_runtimes
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.console.parameters import PathType

if TYPE_CHECKING:
    from au2.wire.runtime import RuntimeView


command = Group(
    "repo",
    help="Packages: folders of code that become versions of a process.",
    summaries={
        "upload": "Upload a package as a new version.",
        "run": "Run a package on this machine.",
    },
    addresses={
        "upload": "au2.cli.commands.process.repo_upload:command",
        "run": "au2.cli.commands.process.repo_run:command",
    },
)


@define(
    "init",
    group=command,
    examples=(
        "au2 process repo init",
        "au2 process repo init forecast --name forecast --runtime Python3.11 --yes",
    ),
)
@click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=PathType(file_okay=False, path_type=Path),
)
@click.option("--name", metavar="N", help="Name of the process.")
@click.option("--description", metavar="D", help="What it does, in Markdown.")
@click.option(
    "--runtime",
    metavar="R",
    shell_complete=complete_runtimes,
    help="The runtime: a GUID, or a name unique in the context.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: the folder's name, no description.")
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

    Asks for what the flags do not say. Files that are already there stay as they are.
    """
    from au2.client.resources.processes import Runtimes
    from au2.domain.errors import Conflict
    from au2.domain.language import Language
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
    from au2.domain.errors import AnswerNeeded, NotFound

    usable = [runtime for runtime in runtimes if runtime.retired_at is None]
    if not usable:
        raise NotFound("There is no runtime in this context; an operator builds one.")
    if stated is not None:
        return _find_runtime(usable, stated)
    if yes:
        if len(usable) == 1:
            return usable[0]
        raise AnswerNeeded("There are several runtimes.", hint="Choose one with --runtime.")
    choices = [(runtime.name, runtime.id) for runtime in usable]
    return usable[session.console.choose("Runtime", choices, flag="--runtime")]


def _find_runtime(runtimes: "Sequence[RuntimeView]", stated: str) -> "RuntimeView":
    from au2.cli.lookup import only_one
    from au2.client.resources.resource import Named

    by_id = [runtime for runtime in runtimes if runtime.id == stated.strip().lower()]
    found = by_id or [runtime for runtime in runtimes if runtime.name == stated]
    named = [
        Named(id=item.id, name=item.name, organization=item.organization, project=item.project)
        for item in found
    ]
    wanted = only_one(named, stated, "runtime")
    return next(runtime for runtime in found if runtime.id == wanted.id)


_VIOLATIONS = columns("file", "line", "message")


@define(
    "check",
    group=command,
    examples=("au2 process repo check", "au2 process repo check forecast -o json"),
    reads=True,
)
@click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=PathType(exists=True, file_okay=False, path_type=Path),
)
def check(session: Session, directory: Path) -> None:
    """Find every mistake in a package, with file and line. Nothing is sent.

    Files that are left out because they may hold secrets are named, too, and so are those that seem
    to be misspelled.

    Ends with 1 if there is a mistake.
    """
    from au2.cli.packages.package_remarks import remark_on_files, remark_on_schemas
    from au2.domain.errors import InvalidPackage
    from au2.package.check import inspect_package
    from au2.package.schemas import load_schemas

    console = session.console
    found = inspect_package(directory)
    mistakes = found.mistakes
    remark_on_files(console, found.files)
    if console.output_format != "table":
        console.show_list(_VIOLATIONS, [asdict(mistake) for mistake in mistakes])
    if not mistakes:
        remark_on_schemas(console, load_schemas(directory))
        console.remark("The package is fine.")
        return
    if console.output_format != "table":
        raise click.exceptions.Exit(1)
    raise InvalidPackage(details=mistakes)
