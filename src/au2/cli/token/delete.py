"""`au2 token delete`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session


@define("delete", examples=("au2 token delete nightly",))
@click.argument("token")
def command(session: Session, token: str) -> None:
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
