"""`au2 secret`: encrypted values of jobs."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from au2.cli.command import define
from au2.cli.output_file import Output, OutputType
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.console.console import Console
from au2.console.parameters import PathType
from au2.domain.errors import InvalidRequest
from au2.wire.documents import format_document

command = Group(
    "secret",
    help="Secrets: values that jobs get and nobody sees.",
)


_LIST = columns("name", "description", "organization", "project", "has_value", "updated_at")


_RECORD = columns(
    "id",
    "name",
    "description",
    "organization",
    "project",
    "has_value",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)


_LIMIT_BYTES = 1 << 20


"""The server takes less, and says how much."""


_FUNCTION = TypeVar("_FUNCTION", bound=Callable[..., None])


def _value_options(function: _FUNCTION) -> _FUNCTION:
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


def _read_value(console: Console, *, from_stdin: bool, file: str | None) -> str | None:
    """Return the value that the options give; None if neither does."""
    if from_stdin and file is not None:
        raise click.UsageError("Give one of --stdin and --file.")
    if from_stdin:
        data = console.read_bytes(_LIMIT_BYTES)
        return _decode_value(data.removesuffix(b"\n").removesuffix(b"\r"), "standard input")
    return None if file is None else _decode_value(_read_file(file), f"'{file}'")


def _read_file(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"--file: {error.strerror}: '{file}'") from error
    if len(data) > _LIMIT_BYTES:
        raise InvalidRequest(f"'{file}' is too long for a secret.")
    return data


def _decode_value(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Without the cause, which would show some of it.
        raise InvalidRequest(
            f"The value in {place} is no text in UTF-8.",
            hint="Encode it first, for example with base64.",
        ) from None


@define(
    "create",
    group=command,
    examples=(
        'au2 secret create DB_PASSWORD --description "Of the reporting database"',
        "au2 secret create DB_PASSWORD --stdin < password.txt",
    ),
    reads=True,
)
@click.argument("name")
@click.option("--description", metavar="D", default="", help="What it is for.")
@_value_options
def create(
    session: Session, *, name: str, description: str, from_stdin: bool, file: str | None
) -> None:
    """Create a secret of the context.

    NAME has letters, digits, '_', '-' and '.'. Without a value it can't be used yet: give it one
    with `au2 secret ingest`, or here.
    """
    from au2.client.resources.secrets import Secrets

    value = _read_value(session.console, from_stdin=from_stdin, file=file)
    made = Secrets(session.transport).create_secret(session.context, name, description, value)
    session.console.show_record(_RECORD, format_document(made))
    if not made.has_value:
        session.console.remark(f"Give it a value with: au2 secret ingest {name}")


@define("list", group=command, examples=("au2 secret list", "au2 secret list -o json"), reads=True)
def list_secrets(session: Session) -> None:
    """List the secrets that can be used in the context, without their values."""
    from au2.client.resources.secrets import Secrets

    found = Secrets(session.transport).list_secrets(session.context)
    session.console.show_list(_LIST, [format_document(item) for item in found])


@define("show", group=command, examples=("au2 secret show DB_PASSWORD",), reads=True)
@click.argument("name")
def show(session: Session, name: str) -> None:
    """Show a secret, without its value.

    In a project, its own secret wins over the organization's of the same name.
    """
    from au2.client.resources.secrets import Secrets

    found = Secrets(session.transport).get_secret(session.context, name)
    session.console.show_record(_RECORD, format_document(found))


@define(
    "ingest",
    group=command,
    examples=(
        "au2 secret ingest DB_PASSWORD",
        "au2 secret ingest DB_PASSWORD --stdin < password.txt",
        "au2 secret ingest TLS_KEY --file key.pem",
    ),
)
@click.argument("name")
@_value_options
def ingest(session: Session, *, name: str, from_stdin: bool, file: str | None) -> None:
    """Give a secret of the context a value, or another one.

    At a terminal the value is asked for and not shown. Jobs that run already keep the value that
    they were given.
    """
    from au2.client.resources.secrets import Secrets

    console = session.console
    value = _read_value(console, from_stdin=from_stdin, file=file)
    if value is None:
        value = console.ask_secret(f"Value of {name}", flag="--stdin or --file")
    Secrets(session.transport).ingest_secret(session.context, name, value)
    console.remark(f"Secret '{name}' has this value from now on.")


@define(
    "download",
    group=command,
    examples=(
        "au2 secret download DB_PASSWORD",
        "au2 secret download TLS_KEY --output-file key.pem",
    ),
)
@click.argument("name")
@click.option(
    "--output-file",
    "output",
    type=OutputType(),
    metavar="F",
    default="-",
    help="Write it to a file that only you can read ('-' is stdout, as without it).",
)
def download(session: Session, name: str, output: Output) -> None:
    """Print the value of a secret of the context, exactly, and nothing else.

    Admins may. That it was read is written down.
    """
    from au2.client.resources.secrets import Secrets
    from au2.files.output import PRIVATE

    value = Secrets(session.transport).download_secret(session.context, name).encode()
    with output.open(session.console, permissions=PRIVATE) as write:
        write(value)
    if output.path is not None:
        session.console.remark(f"The value is in '{output.path}'.")


@define("delete", group=command, examples=("au2 secret delete DB_PASSWORD --yes",))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete a secret of the context with its value.

    Jobs that need it and have not started yet will fail.
    """
    from au2.client.resources.secrets import Secrets

    if not yes:
        session.console.confirm(f"Delete the secret {name} with its value?")
    Secrets(session.transport).delete_secret(session.context, name)
    session.console.remark(f"Secret '{name}' is deleted.")
