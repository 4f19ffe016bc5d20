"""`au2 process repo run`: a run of a package on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import Output, OutputType, package_argument
from au2.cli.run_options import RunOptions, run_options
from au2.console.parameters import PathType

if TYPE_CHECKING:
    from au2.local.request import ReadArguments


@define(
    "run",
    examples=(
        "au2 process repo run",
        "au2 process repo run forecast --arg days=7 --env LOG_LEVEL=debug",
        "au2 process repo run --watch",
        "au2 process repo run --plain --own-environment",
        "au2 process repo run --container --data-dir /var/lib/au2 --network none",
        "au2 process repo run --output-file result.json --exit-code && echo well done",
    ),
    reads=True,
)
@package_argument()
@run_options(
    argument_help="An argument; may be repeated. V is read as by au2 process run.",
    variable_help="A variable that takes a secret; here, the value of variable K of your shell.",
)
@click.option("--watch", is_flag=True, help="Run again on each save, until Ctrl-C.")
@click.option("--plain", is_flag=True, help="As a process of this machine, without a container.")
@click.option("--container", is_flag=True, help="In a container, or not at all.")
@click.option(
    "--own-environment",
    is_flag=True,
    help="Install no requirements for a plain process: take this machine's environment as it is.",
)
@click.option(
    "--data-dir",
    envvar="AU2_DATA_DIR",
    show_envvar=True,
    type=PathType(path_type=Path),
    metavar="D",
    help="A server's data directory on this machine, to take the runtime from.",
)
@click.option(
    "--output-file",
    type=OutputType(),
    metavar="F",
    default="-",
    help="Write the output to a file instead of showing it ('-' is stdout, the default).",
)
@click.option("--exit-code", is_flag=True, help="End with the exit code of the run.")
def command(
    session: Session,
    *,
    directory: Path,
    run: RunOptions,
    watch: bool,
    plain: bool,
    container: bool,
    own_environment: bool,
    data_dir: Path | None,
    output_file: Output,
    exit_code: bool,
) -> None:
    """Run a package on this machine, without a server.

    The same checks, hooks and variables as on the platform. The package runs in a container of its
    runtime where possible (Linux, as root, with the server part of au2 installed, and the runtime
    on this machine), else as a plain process; the differences are then listed. Either way the run
    works on a temporary copy of the package's files, and what requirements.txt or the lock of
    package.json asks for is installed and kept for the next run.

    Secrets named in env.yml are taken from variables of the same name.

    Ctrl-C stops the run as au2 job stop would; a second one kills it. With -o json or yaml, stdout
    has the record alone, and the log goes to stderr.
    """
    from au2.app.jobs.run_requests import WantedResources
    from au2.cli.packages.local_run import LocalRuns, RunnerChoice
    from au2.domain.jobs.container_contract import Network
    from au2.local.request import LocalRequest

    if plain and container:
        raise click.UsageError("Give --plain or --container, not both.")
    if own_environment and container:
        raise click.UsageError("--own-environment is for plain processes: give --plain with it.")
    request = LocalRequest(
        read_arguments=_make_reader(session, run),
        environment=run.environment,
        secrets=run.secret_names,
        wanted=WantedResources(
            cpu=run.cpu,
            memory_bytes=run.memory_bytes,
            shared_memory_bytes=run.shared_memory_bytes,
            timeout_seconds=run.timeout_seconds,
            network=None if run.network is None else Network(run.network),
        ),
    )
    choice = RunnerChoice(plain, container, own_environment, data_dir)
    runs = LocalRuns(session, directory, request, output_file, pass_exit_code=exit_code)
    runs.go(choice, watch=watch)


def _make_reader(session: Session, run: RunOptions) -> "ReadArguments":
    """Return the reader of the arguments: a file is read now, texts by the schema at each run.

    Raises:
        UsageError: the options are wrong under any schema.
    """
    from au2.local.request import WHERE_ARGUMENTS

    console = session.console
    given = run.read_arguments(console, find_schema=lambda: None, hint=WHERE_ARGUMENTS)
    if not run.pairs:
        return lambda _: given
    return lambda schema: run.read_arguments(
        console, find_schema=lambda: schema, hint=WHERE_ARGUMENTS
    )
