"""`au2 token`: managed tokens, for programs."""

from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.console.cells import columns
from au2.console.commands import Group

if TYPE_CHECKING:
    from datetime import datetime

command = Group("token", help="Managed tokens, for programs. Each acts as its owner.")

_CREATED = columns("id", "name", "expires_at", "token")
_LIST = columns("id", "kind", "name", "created_at", "expires_at", "last_used_at")


@define(
    "create",
    group=command,
    examples=("au2 token create nightly --expires 90d", "au2 token create ci -o json"),
    reads=True,
)
@click.argument("name")
@click.option(
    "--expires", metavar="T", help="The end of the token: 12h, 90d, or a date (2030-01-31)."
)
def create(session: Session, name: str, expires: str | None) -> None:
    """Create a managed token and show it once.

    The token acts as you until its end or deletion. Use it with `au2 context set managed-token`.
    """
    from au2.client.resources.accounts import Accounts

    expires_at = _parse_expiry(expires) if expires is not None else None
    token = Accounts(session.transport).create_token(name, expires_at)
    session.show(_CREATED, token)
    session.console.remark("Keep the token now: it is not shown again.")


def _parse_expiry(text: str) -> "datetime":
    from datetime import UTC, datetime, timedelta

    from au2.domain.clock import now
    from au2.domain.errors import InvalidRequest
    from au2.package.sizes import parse_duration

    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now() + timedelta(seconds=parse_duration(text))
        except (InvalidRequest, OverflowError) as error:
            raise click.UsageError(
                f"--expires wants 12h, 90d or 2030-01-31, not '{text}'."
            ) from error
    return stated if stated.tzinfo else stated.replace(tzinfo=UTC)


@define("list", group=command, examples=("au2 token list",), reads=True)
def list_tokens(session: Session) -> None:
    """List your tokens, without their secrets."""
    from au2.client.resources.accounts import Accounts

    session.show_all(_LIST, Accounts(session.transport).list_tokens())


@define("delete", group=command, examples=("au2 token delete nightly",))
@click.argument("token")
def delete(session: Session, token: str) -> None:
    """End a token, given by its id or by a unique name."""
    from au2.cli.lookup import find_one
    from au2.client.resources.accounts import Accounts

    accounts = Accounts(session.transport)
    found = find_one(accounts.list_tokens(), token, "token", where=" of yours")
    accounts.delete_token(found.id)
    session.console.remark(f"Token '{found.name}' has ended.")
