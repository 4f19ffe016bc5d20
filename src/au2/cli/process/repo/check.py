"""`au2 process repo check`."""

from dataclasses import asdict
from pathlib import Path

import click

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.parameters import PathType

_COLUMNS = columns("file", "line", "message")


@define(
    "check",
    examples=("au2 process repo check", "au2 process repo check forecast -o json"),
    reads=True,
)
@click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=PathType(exists=True, file_okay=False, path_type=Path),
)
def command(session: Session, directory: Path) -> None:
    """Find every mistake in a package, with file and line. Nothing is sent.

    Files that are left out because they may hold secrets are named, too, and so are those that seem
    to be misspelled.

    Ends with 1 if there is a mistake.
    """
    from au2.cli.packages.package_remarks import remark_on_files
    from au2.cli.schema_remarks import remark_on_schemas
    from au2.domain.errors import InvalidPackage
    from au2.package.check import inspect_package
    from au2.package.schemas import load_schemas

    console = session.console
    found = inspect_package(directory)
    mistakes = found.mistakes
    remark_on_files(console, found.files)
    if console.output_format != "table":
        console.show_list(_COLUMNS, [asdict(mistake) for mistake in mistakes])
    if not mistakes:
        remark_on_schemas(console, load_schemas(directory))
        console.remark("The package is fine.")
        return
    if console.output_format != "table":
        raise click.exceptions.Exit(1)
    raise InvalidPackage(details=mistakes)
