"""`au2 token-info`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("id", "kind", "name", "created_at", "expires_at", "last_used_at")


@define("token-info", examples=("au2 token-info", "au2 token-info -o yaml"), reads=True)
def command(session: Session) -> None:
    """Show the token in use: its kind and when it ends. The token itself is not shown."""
    from au2.client.resources.accounts import Accounts

    token = Accounts(session.transport).current_token()
    session.console.show_record(_COLUMNS, token.model_dump(mode="json"))
