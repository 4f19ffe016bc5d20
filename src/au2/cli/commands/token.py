"""`au2 token`: managed tokens, for programs."""

from typing import TYPE_CHECKING

import click

from au2.cli.command import define
from au2.cli.session import Session
from au2.console.cells import columns
from au2.console.commands import Group
from au2.wire.documents import format_document

if TYPE_CHECKING:
    from datetime import datetime


command = Group(
    "token",
    help="Managed tokens, for programs. Each acts as its owner.",
)


_CREATED = columns("id", "name", "expires_at", "token")


@define(
    "create",
    group=command,
    examples=("au2 token create nightly --expires 90d", "au2 token create ci -o json"),
    reads=True,
)
@click.argument("name")
@click.option("--expires", metavar="T", help="When it ends: 12h, 90d, or a date (2030-01-31).")
def create(session: Session, name: str, expires: str | None) -> None:
    """Create a managed token and show it once.

    It acts as you, until it ends or is deleted. Use it with `au2 context set managed-token`.
    """
    from au2.client.resources.accounts import Accounts

    expires_at = _parse_expiry(expires) if expires is not None else None
    token = Accounts(session.transport).create_token(name, expires_at)
    session.console.show_record(_CREATED, format_document(token))
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


_LIST = columns("id", "kind", "name", "created_at", "expires_at", "last_used_at")


@define("list", group=command, examples=("au2 token list",), reads=True)
def list_tokens(session: Session) -> None:
    """List your tokens, without their secrets."""
    from au2.client.resources.accounts import Accounts

    tokens = Accounts(session.transport).list_tokens()
    session.console.show_list(_LIST, [format_document(token) for token in tokens])


@define("delete", group=command, examples=("au2 token delete nightly",))
@click.argument("token")
def delete(session: Session, token: str) -> None:
    """End a token, named by its id or by a name that is unique among your tokens."""
    from au2.client.resources.accounts import Accounts
    from au2.domain.errors import Conflict, Detail, NotFound

    accounts = Accounts(session.transport)
    present = accounts.list_tokens()
    found = [item for item in present if item.id == token.lower()]
    found = found or [item for item in present if item.name == token]
    if not found:
        raise NotFound(f"You have no token '{token}'.", hint="See: au2 token list")
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} of your tokens are named '{token}'.",
            hint="Name it by its id.",
            details=[Detail(item.id) for item in found],
        )
    accounts.delete_token(found[0].id)
    session.console.remark(f"Token '{found[0].name}' has ended.")
