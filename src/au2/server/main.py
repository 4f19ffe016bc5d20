"""``au2-server``, the operator's command."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from au2.console.commands import (
    CommandSession,
    Group,
    completion_command,
    run_program,
    version_option,
)
from au2.console.console import Console, standard_console
from au2.console.failures import EXIT_INTERRUPTED
from au2.console.standard_streams import close_standard_streams, open_standard_streams

_SUMMARIES = {
    "init": "Prepare a data directory and create its first user.",
    "start": "Run the server.",
    "runtime": "Build and list runtimes.",
    "user": "List users, disable them, and make operators.",
    "password": "Replace the lost password of a user.",
    "secret-key": "Look after the keys that encrypt secrets.",
    "gc": "Remove what no version, runtime or job needs.",
    "fsck": "Check that all stored data is whole.",
    "backup": "Write a copy of the installation, beside a running server.",
    "restore": "Create a data directory from a backup.",
    "doctor": "Check whether this machine can run jobs.",
    "completion": "Print a script that completes commands in your shell.",
    "uninstall": "Remove from this machine what a stopped server set up.",
}

_PACKAGE = "au2.server.commands"
_ADDRESSES = {
    **dict.fromkeys(("init", "password"), "users"),
    **dict.fromkeys(("gc", "fsck"), "maintenance"),
    **dict.fromkeys(("backup", "restore"), "backup"),
    **dict.fromkeys(("doctor", "uninstall"), "machine"),
}
"""Modules of the commands that share one."""


class _Commands(Group):
    """The commands; without the packages that they need, one says how to install those."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command. Raises Unsupported for a missing package."""
        try:
            return super().get_command(ctx, cmd_name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "au2":
                raise
            # Late, as the commands: the supervisor stays small.
            raise import_module("au2.server.missing_packages").describe_missing(error) from error


def make_root() -> Group:
    """Return the outermost group. Commands are imported late: the supervisor stays small."""
    return _Commands(
        "au2-server",
        package=_PACKAGE,
        help="Run an au2 server, and look after it.",
        summaries=_SUMMARIES,
        addresses={
            "completion": f"{__name__}:completion",
            **{name: f"{_PACKAGE}.{module}:{name}" for name, module in _ADDRESSES.items()},
        },
        params=[version_option("au2-server, version")],
    )


completion = completion_command(
    "au2-server", "Print a script that completes commands in your shell."
)


def main() -> None:
    """Run the command line of this process."""
    console = standard_console(has_input=open_standard_streams())
    code = run(sys.argv[1:], console, os.environ)
    close_standard_streams()
    sys.exit(code)


def run(arguments: Sequence[str], console: Console, environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    session = CommandSession(console, environment)
    code = run_program(make_root(), "au2-server", arguments, session)
    if code == EXIT_INTERRUPTED:
        console.remark("Interrupted.")
    return code
