"""Options that several commands take."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from au2.console.parameters import PathType
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.settings.source import read_settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_option(command: _Command) -> _Command:
    """Add ``--data-dir``, which arrives as a DataDirectory named ``data``."""
    return click.option(
        "--data-dir",
        "data",
        required=True,
        type=PathType(file_okay=False, path_type=Path),
        callback=lambda _context, _parameter, value: DataDirectory(Path(os.path.realpath(value))),
        help="Folder that holds everything of this installation.",
    )(command)


def option_of(data: DataDirectory) -> str:
    """Return the option as it is typed in a shell, for commands that hints and advice name."""
    return f"--data-dir {shlex.quote(str(data.root))}"


def output_option(command: _Command) -> _Command:
    """Add ``--output``."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="How to print the result.",
    )(command)


def settings_of(data: DataDirectory) -> Settings:
    """Return the installation's settings. Raises InvalidSettings."""
    return read_settings(data.settings_file, os.environ)
