"""Where a secret's value comes from. Never from the command line, which everybody can read."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from au2.console.console import Console
from au2.console.parameters import PathType
from au2.domain.errors import InvalidRequest

_LIMIT_BYTES = 1 << 20
"""The server takes less, and says how much."""
_FUNCTION = TypeVar("_FUNCTION", bound=Callable[..., None])


def value_options(function: _FUNCTION) -> _FUNCTION:
    """Add ``--stdin`` and ``--file``."""
    for option in (
        click.option(
            "--file",
            "file",
            type=PathType(),
            metavar="F",
            help="Take the value from a file, as it is.",
        ),
        click.option(
            "--stdin",
            "from_stdin",
            is_flag=True,
            help="Read the value from standard input; one line end at its end is left out.",
        ),
    ):
        function = option(function)
    return function


def read_stated(console: Console, *, from_stdin: bool, file: str | None) -> str | None:
    """Return the value that the options give; None if neither does."""
    if from_stdin and file is not None:
        raise click.UsageError("Give one of --stdin and --file.")
    if from_stdin:
        data = console.read_bytes(_LIMIT_BYTES)
        return _decode(data.removesuffix(b"\n").removesuffix(b"\r"), "standard input")
    return None if file is None else _decode(_read(file), f"'{file}'")


def _read(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"--file: {error.strerror}: '{file}'") from error
    if len(data) > _LIMIT_BYTES:
        raise InvalidRequest(f"'{file}' is too long for a secret.")
    return data


def _decode(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Without the cause, which would show some of it.
        raise InvalidRequest(
            f"The value in {place} is no text in UTF-8.",
            hint="Encode it first, for example with base64.",
        ) from None
