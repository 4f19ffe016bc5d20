"""``au2-server``, the operator's command."""

import io
import sys
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from au2.domain.errors import Au2Error
from au2.server.terminal import show_error

_INTERRUPTED = 130
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


class _LazyGroup(click.Group):
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


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["--help", "-h"]})
@click.version_option(package_name="au2", prog_name="au2-server", help="Show the version and end.")
def server() -> None:
    """Run an au2 server, and look after it."""


def main() -> None:
    """Run the command of ``sys.argv``; every known error becomes a message and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Never fail over a character that the terminal can't show.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = server(prog_name="au2-server", standalone_mode=False)
    except Au2Error as error:
        show_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        show_error(Au2Error(f"{error.strerror or error}{place}"))
        sys.exit(Au2Error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        show_error(_usage_error(error))
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: click.ClickException) -> Au2Error:
    context = getattr(error, "ctx", None)
    hint = None if context is None else f"See: {context.command_path} --help"
    return Au2Error(error.format_message(), hint=hint)
