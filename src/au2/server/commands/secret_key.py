"""Commands ``au2-server secret-key``: the keys that encrypt secrets."""

from collections.abc import Iterator
from contextlib import contextmanager

from au2.app.secret_keys import KeyUse, SecretKeys
from au2.console.cells import columns
from au2.console.commands import CommandSession, Group, define
from au2.domain.clock import format_time
from au2.domain.errors import SecretUnreadable
from au2.server.commands.options import data_option, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.wiring.stores import make_key_file, opened_to_read, opened_to_write

_COLUMNS = columns("key", "made_at", "encrypts", "values")

command = Group("secret-key", help="Look after the keys that encrypt secrets.")


@define(
    "list",
    group=command,
    examples=("au2-server secret-key list --data-dir /var/lib/au2",),
    reads=True,
)
@data_option
def list_command(session: CommandSession, *, data: DataDirectory) -> None:
    """List the keys and how many values need each; never the keys themselves."""
    with opened_to_read(data) as database:
        keys = SecretKeys(database, make_key_file(data, settings_of(session, data)))
        documents = [_document(key) for key in keys.list_keys()]
    session.console.show_list(_COLUMNS, documents)


@define(
    "rotate",
    group=command,
    examples=("au2-server secret-key rotate --data-dir /var/lib/au2",),
    reads=True,
)
@data_option
def rotate(session: CommandSession, *, data: DataDirectory) -> None:
    """Change to a new key and encrypt every value with it.

    The server may be running. Nothing is lost after an interruption: run the command again. Old
    keys go with the first change a day or more after nothing needs them.
    """
    with _opened(session, data) as keys:
        done = keys.rotate()
    session.console.show_fields(
        {"key": done.key_id, "values": done.values, "dropped_keys": done.dropped}
    )
    if done.unreadable:
        raise SecretUnreadable(
            f"{done.unreadable} values could not be decrypted and are as they were.",
            hint="'au2-server secret-key list' shows which keys they need.",
        )


@define("create", group=command, examples=("au2-server secret-key create --data-dir /var/lib/au2",))
@data_option
def create(session: CommandSession, *, data: DataDirectory) -> None:
    """Make a key file where the old one is lost for good.

    Values encrypted with lost keys stay unreadable: set those secrets again.
    """
    with _opened(session, data) as keys:
        keys.create()
    session.console.remark("There is a new key now. Keep a copy of its file apart from the data.")


@contextmanager
def _opened(session: CommandSession, data: DataDirectory) -> Iterator[SecretKeys]:
    settings = settings_of(session, data)
    with opened_to_write(data) as database:
        yield SecretKeys(database, make_key_file(data, settings))


def _document(key: KeyUse) -> dict[str, object]:
    return {
        "key": key.id,
        "made_at": None if key.made_at is None else format_time(key.made_at),
        "encrypts": key.is_current,
        "values": key.values,
    }
