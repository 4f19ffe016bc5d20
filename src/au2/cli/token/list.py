"""`au2 token list`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("id", "kind", "name", "created_at", "expires_at", "last_used_at")


@define("list", examples=("au2 token list",), reads=True)
def command(session: Session) -> None:
    """List your tokens, without their secrets."""
    from au2.client.resources.accounts import Accounts

    tokens = Accounts(session.transport).list_tokens()
    session.console.show_list(_COLUMNS, [token.model_dump(mode="json") for token in tokens])
