"""Options shared by several commands."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from au2.console.commands import CommandSession
from au2.console.console import Console
from au2.console.parameters import PathType
from au2.console.progress import TransferProgress
from au2.files.input import decode_text
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.settings.source import DATA_DIRECTORY_VARIABLE, read_settings

_LOG_SECONDS = 30.0
"""Between two lines of progress where stderr is no terminal."""
_PASSWORD_BYTES = 1 << 14
_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_option(command: _Command) -> _Command:
    """Add ``--data-dir``, or ``AU2_DATA_DIR``: it arrives as a DataDirectory named ``data``."""
    return click.option(
        "--data-dir",
        "data",
        required=True,
        envvar=DATA_DIRECTORY_VARIABLE,
        show_envvar=True,
        type=PathType(file_okay=False, path_type=Path),
        callback=lambda _context, _parameter, value: DataDirectory(Path(os.path.realpath(value))),
        help="Folder that holds everything of this installation.",
    )(command)


def option_of(data: DataDirectory) -> str:
    """Return the option as typed in a shell, for commands named in hints."""
    return f"--data-dir {shlex.quote(str(data.root))}"


def settings_of(session: CommandSession, data: DataDirectory) -> Settings:
    """Return the installation's settings. Raises InvalidSettings."""
    return read_settings(data.settings_file, session.environment)


def reading_progress(console: Console) -> TransferProgress:
    """Return the progress of reading an installation or a backup."""
    return TransferProgress(console, "Read", log_seconds=_LOG_SECONDS)


def read_password(console: Console, from_stdin: bool) -> str:
    """Return a password: the first line of standard input, or the answer given twice.

    Raises:
        UsageError: standard input has no password.
        AnswerNeeded: there is no terminal to ask on.
        InvalidRequest: the password is not text in UTF-8.
    """
    if not from_stdin:
        return console.ask_new_secret("Password", flag="--password-stdin")
    line = console.input_stream().readline(_PASSWORD_BYTES)
    password = decode_text(line, "standard input").rstrip("\r\n")
    if not password:
        raise click.UsageError("There is no password on standard input.")
    return password
