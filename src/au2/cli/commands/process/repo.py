"""`au2 process repo`: packages, the source folders of versions."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import package_argument
from au2.console.cells import columns
from au2.console.commands import Group
from au2.domain.errors import Detail, InvalidPackage

if TYPE_CHECKING:
    from au2.package.description import PackageDescription

command = Group(
    "repo",
    help="Packages: folders of code that become versions of a process.",
    summaries={
        "init": "Make a folder a package: a process repository.",
        "upload": "Upload a package as a new version of its process.",
        "run": "Run a package on this machine.",
        "diff": "Show what has changed since the newest version.",
    },
    addresses={
        "init": "au2.cli.commands.process.repo_init:command",
        "upload": "au2.cli.commands.process.repo_upload:command",
        "run": "au2.cli.commands.process.repo_run:command",
        "diff": "au2.cli.commands.process.repo_diff:command",
    },
)

_VIOLATIONS = columns("file", "line", "message")


@define(
    "check",
    group=command,
    examples=("au2 process repo check", "au2 process repo check forecast -o json"),
    reads=True,
)
@package_argument()
def check(session: Session, directory: Path) -> None:
    """Find every error in a package, with file and line. Nothing of it is sent.

    Then the entry point is compiled, not run, by the interpreter on this machine, if there is one
    (Python, a shell, Node.js). Warns of files left out because they may hold secrets, of misspelled
    names, and of files with dependencies that nothing installs. With a login, the server is asked
    whether the context has the runtime.

    Ends with 1 if there is an error.
    """
    from au2.cli.packages.package_remarks import remark_on_files, remark_on_schemas
    from au2.package.check import inspect_package
    from au2.package.schemas import load_schemas

    console = session.console
    found = inspect_package(directory)
    errors = found.errors or _find_more_errors(session, directory, found.description)
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


def _find_more_errors(
    session: Session, directory: Path, description: "PackageDescription | None"
) -> list[Detail]:
    """Return the errors of a package that has none by its own rules."""
    if description is None:
        return []
    from au2.cli.packages.package_check import find_runtime_error, find_syntax_error

    runtime = description.manifest.runtime
    found = (
        find_syntax_error(directory, description.entry_point, runtime),
        find_runtime_error(session, runtime),
    )
    return [error for error in found if error is not None]
