"""Arguments and options that several commands take."""

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar

import click

from au2.cli.completing import complete_jobs, complete_processes, complete_versions
from au2.console.parameters import PathType, PositiveNumber, WholeNumber

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


_Command = TypeVar("_Command", bound=Callable[..., Any])


def run_options(*, argument_help: str, variable_help: str) -> Callable[[_Command], _Command]:
    """Add what a run is given: arguments, variables, secrets, and what it may use.

    They arrive as ``pairs``, ``arguments``, ``args_file``, ``variables``, ``secrets``, ``cpu``,
    ``memory``, ``shm_size``, ``timeout`` and ``network``. What ``--arg`` and ``--secret`` mean
    differs a little.
    """
    options = (
        click.option("--arg", "pairs", metavar="K=V", multiple=True, help=argument_help),
        click.option(
            "--args", "arguments", metavar="JSON", help="All arguments, as a JSON object."
        ),
        click.option(
            "--args-file",
            type=PathType(),
            metavar="FILE",
            help="The same from a file; - is standard input.",
        ),
        click.option(
            "--env", "variables", metavar="K=V", multiple=True, help="A variable; may be repeated."
        ),
        click.option("--secret", "secrets", metavar="K=NAME", multiple=True, help=variable_help),
        click.option("--cpu", type=PositiveNumber(), metavar="N", help="Cores."),
        click.option("--memory", metavar="SIZE", help="Most memory: 512MiB, 2GiB."),
        click.option(
            "--shm-size",
            metavar="SIZE",
            help="Size of /dev/shm, a part of the memory. Default: as large as the memory.",
        ),
        click.option("--timeout", metavar="T", help="Longest time: 90s, 5m, 1h."),
        click.option(
            "--network", type=click.Choice(("none", "internet")), help="What it may reach."
        ),
    )
    # The last decorator that is applied is the first in the help.
    return lambda command: reduce(lambda made, add: add(made), reversed(options), command)
