"""``au2-server``, the operator's command."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from au2.console.commands import Group, print_and_end
from au2.console.failures import EXIT_INTERRUPTED, convert_stdout_errors, explain_failure
from au2.console.standard_streams import close_standard_streams, open_standard_streams
from au2.server.terminal import show_error, tell

_COMMANDS = {
    "init": "Prepare a data directory and make its first user.",
    "start": "Run the server.",
    "runtime": "Build and list runtimes.",
    "password": "Give somebody who lost theirs another password.",
    "secret-key": "Look after the keys that encrypt secrets.",
    "gc": "Remove what no version, runtime or job needs.",
    "fsck": "Check that all that is kept is whole.",
    "backup": "Write a copy of the installation, beside a running server.",
    "restore": "Make a data directory of a backup.",
    "doctor": "Check whether this machine can run jobs.",
    "completion": "Print a script that completes commands in your shell.",
    "uninstall": "Remove from this machine what a stopped server set up.",
}


class _LazyGroup(Group):
    """Imports the command that is asked for and no other: the supervisor stays small."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"au2.server.commands.{name}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - ours, by name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing a command."""
        found = [
            CompletionItem(name, help=summary)
            for name, summary in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - the supervisor stays small

        print_and_end(ctx, f"au2-server, version {version('au2')}")


@click.group(cls=_LazyGroup)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and end.",
)
def server() -> None:
    """Run an au2 server, and look after it."""


def main() -> None:
    """Run the command of ``sys.argv``; every error becomes a message and an exit code."""
    open_standard_streams()
    code = run(sys.argv[1:], os.environ)
    close_standard_streams()
    sys.exit(code)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    try:
        code = server.main(arguments, prog_name="au2-server", standalone_mode=False)
        with convert_stdout_errors():
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        tell(error.format_message())
        return error.exit_code
    except BaseException as error:  # noqa: BLE001 - the last door: all that is raised gets a sentence
        ending = explain_failure(error, environment)
        if ending.error is not None:
            show_error(ending.error)
        if ending.exit_code == EXIT_INTERRUPTED:
            tell("Interrupted.")
        return ending.exit_code
    return code if isinstance(code, int) else 0
