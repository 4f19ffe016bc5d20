"""`au2 secret`: encrypted values of jobs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from au2.cli.command import Session, define
from au2.cli.context.account_completion import complete_secrets
from au2.cli.options import Output, OutputType, yes_option
from au2.console.cells import CHANGES, WideColumn, columns
from au2.console.commands import Group
from au2.console.console import Console
from au2.console.parameters import PathType
from au2.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from au2.client.resources.secrets import Secrets

command = Group("secret", help="Secrets: encrypted values for jobs.")

_LIST = columns(
    *("name", "description"),
    of=lambda document: "organization" if document["project"] is None else "project",
    has_value="has_value",
    updated_at="updated_at",
    organization=WideColumn("organization"),
    project=WideColumn("project"),
)

_RECORD = columns("id", "name", "description", "organization", "project", "has_value", *CHANGES)
_LIMIT_BYTES = 1 << 20
"""More than the limit of the server, whose error names that limit."""
_FUNCTION = TypeVar("_FUNCTION", bound=Callable[..., None])


def _calls(session: Session) -> "Secrets":
    from au2.client.resources.secrets import Secrets

    return Secrets(session.transport)


def _value_options(function: _FUNCTION) -> _FUNCTION:
    """Add ``--stdin`` and ``--file``."""
    from_file = click.option(
        "--file", type=PathType(), metavar="F", help="Read the value from a file, unchanged."
    )
    from_stdin = click.option(
        "--stdin",
        "from_stdin",
        is_flag=True,
        help="Read the value from standard input, without a line end at its end.",
    )
    return from_stdin(from_file(function))


def _read_value(console: Console, *, from_stdin: bool, file: str | None) -> str | None:
    """Return the value from ``--stdin`` or ``--file``; None without them."""
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
        raise InvalidRequest(f"'{file}' is too large for a secret.")
    return data


def _decode_value(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Without the cause, which would show a part of the value.
        raise InvalidRequest(
            f"The value in {source} is not UTF-8 text.",
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
@click.option("--description", metavar="D", default="", help="The purpose of the secret.")
@_value_options
def create(
    session: Session, *, name: str, description: str, from_stdin: bool, file: str | None
) -> None:
    """Create a secret of the context.

    NAME has letters, digits, '_', '-' and '.'. Jobs can use the secret once its value is set: here
    or with `au2 secret ingest`.
    """
    value = _read_value(session.console, from_stdin=from_stdin, file=file)
    made = _calls(session).create_secret(session.context, name, description, value)
    session.show(_RECORD, made)
    if not made.has_value:
        session.console.remark(f"Give the secret a value with: au2 secret ingest {name}")


@define("list", group=command, examples=("au2 secret list", "au2 secret list -o json"), reads=True)
def list_secrets(session: Session) -> None:
    """List the secrets of the context, without their values."""
    session.show_all(_LIST, _calls(session).list_secrets(session.context))


@define("show", group=command, examples=("au2 secret show DB_PASSWORD",), reads=True)
@click.argument("name", shell_complete=complete_secrets)
def show(session: Session, name: str) -> None:
    """Show a secret, without its value.

    In a project, the project's secret hides the organization's of the same name.
    """
    session.show(_RECORD, _calls(session).get_secret(session.context, name))


@define(
    "ingest",
    group=command,
    examples=(
        "au2 secret ingest DB_PASSWORD",
        "au2 secret ingest DB_PASSWORD --stdin < password.txt",
        "au2 secret ingest TLS_KEY --file key.pem",
    ),
)
@click.argument("name", shell_complete=complete_secrets)
@_value_options
def ingest(session: Session, *, name: str, from_stdin: bool, file: str | None) -> None:
    """Set or replace the value of a secret of the context.

    At a terminal the value is asked for and not shown. Running jobs keep the old value.
    """
    console = session.console
    value = _read_value(console, from_stdin=from_stdin, file=file)
    if value is None:
        value = console.ask_secret(f"Value of {name}", flag="--stdin or --file")
    _calls(session).ingest_secret(session.context, name, value)
    console.report(f"Secret '{name}' has its new value.", {"name": name, "has_value": True})


@define(
    "download",
    group=command,
    examples=(
        "au2 secret download DB_PASSWORD",
        "au2 secret download TLS_KEY --to key.pem",
    ),
)
@click.argument("name", shell_complete=complete_secrets)
@click.option(
    "--to",
    "--output-file",
    "target",
    type=OutputType(),
    metavar="F",
    default="-",
    help="Write the value to a file that only you can read ('-' is stdout, the default).",
)
def download(session: Session, name: str, target: Output) -> None:
    """Print the value of a secret of the context, exactly, and nothing else.

    For admins only. The audit trail records each download.
    """
    from au2.files.output import PRIVATE

    console = session.console
    value = _calls(session).download_secret(session.context, name)
    if target.path is None and console.makes_document:
        console.show_document({"name": name, "value": value})
        return
    with target.open(console, permissions=PRIVATE) as write:
        write(value.encode())
    if target.path is not None:
        console.report(
            f"The value is in '{target.path}'.", {"name": name, "file": str(target.path)}
        )


@define("delete", group=command, examples=("au2 secret delete DB_PASSWORD --yes",))
@click.argument("name", shell_complete=complete_secrets)
@yes_option
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete a secret of the context with its value.

    Pending jobs with the secret will fail.
    """
    if not yes:
        session.console.confirm(f"Delete the secret {name} with its value?")
    _calls(session).delete_secret(session.context, name)
    session.console.report(f"Secret '{name}' is deleted.", {"name": name, "deleted": True})
