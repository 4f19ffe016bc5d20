"""`au2 token create`."""

from typing import TYPE_CHECKING

import click

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

if TYPE_CHECKING:
    from datetime import datetime

_COLUMNS = columns("id", "name", "expires_at", "token")


@define(
    "create",
    examples=("au2 token create nightly --expires 90d", "au2 token create ci -o json"),
    reads=True,
)
@click.argument("name")
@click.option("--expires", metavar="T", help="When it ends: 12h, 90d, or a date (2030-01-31).")
def command(session: Session, name: str, expires: str | None) -> None:
    """Make a managed token and show it once.

    It acts as you, until it ends or is deleted. Use it with `au2 context set managed-token`.
    """
    from au2.client.resources.accounts import Accounts

    expires_at = _parse_end(expires) if expires is not None else None
    token = Accounts(session.transport).create_token(name, expires_at)
    session.console.show_record(_COLUMNS, token.model_dump(mode="json"))
    session.console.remark("Keep the token now: it is not shown again.")


def _parse_end(text: str) -> "datetime":
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
