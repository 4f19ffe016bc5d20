"""`au2 process repo run`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import define
from au2.cli.options import run_options
from au2.cli.output_file import Output, OutputType
from au2.cli.session import Session
from au2.console.parameters import PathType

if TYPE_CHECKING:
    from au2.local.request import ReadArguments


@define(
    "run",
    examples=(
        "au2 process repo run",
        "au2 process repo run forecast --arg days=7 --env LOG_LEVEL=debug",
        "au2 process repo run --watch",
        "au2 process repo run --container --data-dir /var/lib/au2 --network none",
        "au2 process repo run --output-file result.json --exit-code && echo well done",
    ),
    reads=True,
)
@click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=PathType(exists=True, file_okay=False, path_type=Path),
)
@run_options(
    argument_help="An argument; may be repeated. V is taken as au2 process run takes it.",
    variable_help="A variable that gets a secret; here, the value that K has in your shell.",
)
@click.option("--watch", is_flag=True, help="Run again on each save, until Ctrl-C.")
@click.option("--plain", is_flag=True, help="As a process of this machine, without a container.")
@click.option("--container", is_flag=True, help="In a container, or not at all.")
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
    help="Write the output to a file instead of showing it ('-' is stdout, as without it).",
)
@click.option("--exit-code", is_flag=True, help="End with its exit code.")
def command(
    session: Session,
    *,
    directory: Path,
    pairs: tuple[str, ...],
    arguments: str | None,
    args_file: str | None,
    variables: tuple[str, ...],
    secrets: tuple[str, ...],
    cpu: float | None,
    memory: str | None,
    shm_size: str | None,
    timeout: str | None,
    network: str | None,
    watch: bool,
    plain: bool,
    container: bool,
    data_dir: Path | None,
    output_file: Output,
    exit_code: bool,
) -> None:
    """Run a package on this machine, without a server.

    The same checks, hooks and variables as on the platform. It runs in a container of its runtime
    where that is possible (Linux, as root, with the server part of au2 installed, and the runtime
    on this machine), else as a plain process; then what differs is told. Either way it works on a
    copy of the package's files, which is thrown away.

    Secrets that env.yml asks for are taken from variables of the same name.

    Ctrl-C stops it as au2 job stop would; a second one kills it. With -o json or yaml, stdout has
    the record alone, and the log goes to stderr.
    """
    from au2.app.jobs.run_requests import WantedResources
    from au2.cli.packages.local_run import LocalRuns
    from au2.cli.packages.runner_choice import RunnerChoice
    from au2.cli.run_input import parse_pairs
    from au2.domain.network import Network
    from au2.local.request import LocalRequest
    from au2.package.sizes import parse_duration, parse_size

    if plain and container:
        raise click.UsageError("Give --plain or --container, not both.")
    request = LocalRequest(
        read_arguments=_make_reader(session, pairs, arguments, args_file),
        environment=parse_pairs(variables, flag="--env"),
        secrets=parse_pairs(secrets, flag="--secret", form="K=NAME"),
        wanted=WantedResources(
            cpu=cpu,
            memory_bytes=None if memory is None else parse_size(memory),
            shared_memory_bytes=None if shm_size is None else parse_size(shm_size),
            timeout_seconds=None if timeout is None else parse_duration(timeout),
            network=None if network is None else Network(network),
        ),
    )
    choice = RunnerChoice(plain=plain, container=container, data_dir=data_dir)
    runs = LocalRuns(session, directory, request, output_file, pass_exit_code=exit_code)
    runs.go(choice, watch=watch)


def _make_reader(
    session: Session, pairs: tuple[str, ...], text: str | None, file: str | None
) -> "ReadArguments":
    """Return what reads the arguments: a file now, texts by the schema that the package then has.

    Raises:
        UsageError: they can't be meant so, whatever the schema.
    """
    from au2.cli.run_input import read_arguments
    from au2.local.request import WHERE_ARGUMENTS

    console = session.console
    given = read_arguments(
        console, pairs, text, file, find_schema=lambda: None, hint=WHERE_ARGUMENTS
    )
    if not pairs:
        return lambda _: given
    return lambda schema: read_arguments(
        console, pairs, None, None, find_schema=lambda: schema, hint=WHERE_ARGUMENTS
    )
