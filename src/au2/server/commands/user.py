"""Commands ``au2-server user``: users listed, added, disabled, and made operators."""

from datetime import datetime

import click

from au2.app.accounts.accounts import Accounts
from au2.app.accounts.email import parse_email
from au2.app.accounts.passwords import Passwords, make_hasher
from au2.app.accounts.users import UserRecord, Users, count_managed
from au2.console.cells import columns
from au2.console.commands import CommandSession, Group, define
from au2.domain.accounts.account import Token
from au2.domain.accounts.password import ensure_usable_password
from au2.domain.clock import format_time
from au2.domain.wording import count_of
from au2.server.commands.options import data_option, read_password
from au2.server.data_directory import DataDirectory
from au2.server.wiring.stores import opened_to_read, opened_to_write

_COLUMNS = columns("email", "operator", "state", "managed_tokens", "last_used_at", "created_at")

command = Group("user", help="List users, disable them, and make operators.")


@define(
    "list", group=command, examples=("au2-server user list --data-dir /var/lib/au2",), reads=True
)
@data_option
def list_command(session: CommandSession, *, data: DataDirectory) -> None:
    """List the users, whether they may log in, and how many managed tokens each has.

    With -o json or -o yaml every token is listed, without its secret.
    """
    with opened_to_read(data) as database:
        records = Users(database).list_users()
    with_tokens = session.console.output_format != "table"
    session.console.show_list(_COLUMNS, [_document(one, with_tokens) for one in records])


@define(
    "add",
    group=command,
    examples=("au2-server user add grace@example.com --operator --data-dir /var/lib/au2",),
)
@click.argument("email")
@data_option
@click.option("--operator", "is_operator", is_flag=True, help="Let the user do everything.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(
    session: CommandSession,
    *,
    email: str,
    data: DataDirectory,
    is_operator: bool,
    password_stdin: bool,
) -> None:
    """Create the user EMAIL. The server may be running.

    The user changes the password with: au2 password
    """
    data.check()
    address = parse_email(email)
    password = read_password(session.console, password_stdin)
    ensure_usable_password(password)
    with opened_to_write(data) as database:
        accounts = Accounts(database, Passwords(make_hasher()))
        accounts.add_user(address, password, is_operator=is_operator)
    if is_operator:
        session.console.remark(f"{address} is an operator.")
    else:
        session.console.remark(
            f"{address} can log in, and has no role yet: au2 member add {address} --role ROLE"
        )


@define(
    "disable",
    group=command,
    examples=("au2-server user disable eve@example.com --data-dir /var/lib/au2",),
)
@click.argument("email")
@data_option
def disable(session: CommandSession, *, email: str, data: DataDirectory) -> None:
    """Refuse the user EMAIL from now on, and end all their logins and tokens.

    The server may be running. Managed tokens and logins of Docker end too; running jobs go on.
    """
    with opened_to_write(data) as database:
        ended = Users(database).disable(email)
    tokens = count_of(ended, "token was", "tokens were")
    session.console.remark(f"{email} is disabled; {tokens} ended.")


@define(
    "enable",
    group=command,
    examples=("au2-server user enable eve@example.com --data-dir /var/lib/au2",),
)
@click.argument("email")
@data_option
def enable(session: CommandSession, *, email: str, data: DataDirectory) -> None:
    """Let the disabled user EMAIL log in again, with password and roles as before."""
    with opened_to_write(data) as database:
        Users(database).enable(email)
    session.console.remark(f"{email} can log in again. The ended tokens stay ended.")


@define(
    "promote",
    group=command,
    examples=("au2-server user promote grace@example.com --data-dir /var/lib/au2",),
)
@click.argument("email")
@data_option
def promote(session: CommandSession, *, email: str, data: DataDirectory) -> None:
    """Make the user EMAIL an operator, who may do everything."""
    with opened_to_write(data) as database:
        Users(database).set_operator(email, is_operator=True)
    session.console.remark(f"{email} is an operator.")


@define(
    "demote",
    group=command,
    examples=("au2-server user demote grace@example.com --data-dir /var/lib/au2",),
)
@click.argument("email")
@data_option
def demote(session: CommandSession, *, email: str, data: DataDirectory) -> None:
    """Make the user EMAIL an operator no longer; roles in organizations and projects stay."""
    with opened_to_write(data) as database:
        Users(database).set_operator(email, is_operator=False)
    session.console.remark(f"{email} is no operator.")


def _document(record: UserRecord, with_tokens: bool) -> dict[str, object]:
    user = record.user
    document: dict[str, object] = {
        "email": user.email,
        "id": user.id,
        "operator": user.is_operator,
        "state": "active" if user.disabled_at is None else "disabled",
        "disabled_at": _format(user.disabled_at),
        "managed_tokens": count_managed(record),
        "last_used_at": _format(record.last_used_at),
        "created_at": _format(user.created_at),
    }
    if with_tokens:
        document["tokens"] = [_token_document(token) for token in record.tokens]
    return document


def _token_document(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "kind": token.kind,
        "name": token.name,
        "created_at": _format(token.created_at),
        "expires_at": _format(token.expires_at),
        "last_used_at": _format(token.last_used_at),
    }


def _format(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
