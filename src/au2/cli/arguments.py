"""Arguments and options that several commands take, completed by the shell."""

from collections.abc import Callable
from typing import Any

import click

from au2.cli.completing import complete_jobs, complete_processes, complete_versions
from au2.console.numbers import WholeNumber

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

process_argument = click.argument("process", shell_complete=complete_processes)
job_argument = click.argument("job", type=WholeNumber(), shell_complete=complete_jobs)
version_option = click.option(
    "--ver",
    "version",
    shell_complete=complete_versions,
    type=WholeNumber(),
    metavar="N",
    help="Which version.",
)

latest_option = click.option(
    "--latest", is_flag=True, help="The newest version that is AVAILABLE, published or not."
)


def version_argument(name: str = "number", metavar: str = "N") -> _Decorator:
    """Return the argument for a version of the process that stands before it."""
    return click.argument(
        name, metavar=metavar, type=WholeNumber(), shell_complete=complete_versions
    )
