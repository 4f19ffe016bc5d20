"""`au2 renew`."""

from au2.cli.commands import define
from au2.cli.session import Session


@define("renew", examples=("au2 renew",))
def command(session: Session) -> None:
    """Exchange the login token for a fresh one. The old one ends."""
    from au2.client.resources.accounts import Accounts

    session.ensure_memory()
    token = Accounts(session.transport).renew()
    session.remember(session.entry._replace(token=token.token))
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    session.console.remark(f"You are logged in{until}.")
