"""``au2-server secret-key``: the keys that encrypt the secrets."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from au2.app.secrets.keys import KeyUse, SecretKeys
from au2.console.commands import Group
from au2.domain.clock import format_time
from au2.domain.errors import SecretUnreadable
from au2.server.commands.options import data_option, output_option, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.installation_database import opened_to_read, opened_to_write
from au2.server.terminal import show_list, show_record, tell
from au2.server.wiring.stores import make_key_file

_COLUMNS = {name: name for name in ("key", "made_at", "encrypts", "values")}


@click.group(cls=Group)
def secret_key() -> None:
    """Look after the keys that encrypt secrets."""


@secret_key.command("list", short_help="List the keys and how many values need each.")
@data_option
@output_option
def list_command(*, data: DataDirectory, output: str) -> None:
    """List the keys and how many values need each; never the keys themselves."""
    with opened_to_read(data) as database:
        keys = SecretKeys(database, make_key_file(data, settings_of(data)))
        show_list([_document(key) for key in keys.list_keys()], _COLUMNS, output)


@secret_key.command()
@data_option
@output_option
def rotate(*, data: DataDirectory, output: str) -> None:
    """Change to a new key and encrypt every value with it.

    The server may run meanwhile, and nothing is lost if this is broken off: run it again. Old keys
    go with the first change a day or more after nothing needs them.
    """
    with _opened(data) as keys:
        done = keys.rotate()
    show_record({"key": done.key_id, "values": done.values, "dropped_keys": done.dropped}, output)
    if done.unreadable:
        raise SecretUnreadable(
            f"{done.unreadable} values could not be decrypted and are as they were.",
            hint="'au2-server secret-key list' shows which keys they need.",
        )


@secret_key.command()
@data_option
def create(*, data: DataDirectory) -> None:
    """Make a key file where the old one is lost for good.

    What was encrypted with lost keys stays unreadable: those values are ingested again.
    """
    with _opened(data) as keys:
        keys.create()
    tell("There is a new key now. Keep a copy of its file apart from the data.")


@contextmanager
def _opened(data: DataDirectory) -> Iterator[SecretKeys]:
    settings = settings_of(data)
    with opened_to_write(data) as database:
        yield SecretKeys(database, make_key_file(data, settings))


def _document(key: KeyUse) -> dict[str, object]:
    return {
        "key": key.id,
        "made_at": None if key.made_at is None else format_time(key.made_at),
        "encrypts": key.is_current,
        "values": key.values,
    }
