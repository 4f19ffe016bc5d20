"""`au2 process repo init`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.commands import define
from au2.cli.completing import complete_runtimes
from au2.cli.session import Session
from au2.console.parameters import PathType

if TYPE_CHECKING:
    from au2.wire.runtime import RuntimeView


@define(
    "init",
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
def command(
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
    from au2.client.resources.runtimes import Runtimes
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
    chosen = _choose(session, runtimes, runtime, yes=yes)
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


def _choose(
    session: Session, runtimes: "Sequence[RuntimeView]", stated: str | None, *, yes: bool
) -> "RuntimeView":
    from au2.domain.errors import AnswerNeeded, NotFound

    usable = [runtime for runtime in runtimes if runtime.retired_at is None]
    if not usable:
        raise NotFound("There is no runtime in this context; an operator builds one.")
    if stated is not None:
        return _find(usable, stated)
    if yes:
        if len(usable) == 1:
            return usable[0]
        raise AnswerNeeded("There are several runtimes.", hint="Choose one with --runtime.")
    choices = [(runtime.name, runtime.id) for runtime in usable]
    return usable[session.console.choose("Runtime", choices, flag="--runtime")]


def _find(runtimes: "Sequence[RuntimeView]", stated: str) -> "RuntimeView":
    from au2.cli.lookup import only_one
    from au2.client.resources.names import Named, owner

    by_id = [runtime for runtime in runtimes if runtime.id == stated.strip().lower()]
    found = by_id or [runtime for runtime in runtimes if runtime.name == stated]
    named = [Named(item.id, item.name, owner(item.organization, item.project)) for item in found]
    wanted = only_one(named, stated, "runtime")
    return next(runtime for runtime in found if runtime.id == wanted.id)
