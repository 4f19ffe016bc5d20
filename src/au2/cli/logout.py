"""`au2 logout`."""

from au2.cli.commands import define
from au2.cli.session import Session


@define("logout", examples=("au2 logout",))
def command(session: Session) -> None:
    """Log out.

    The login token ends on the server and is forgotten here. A managed token is only forgotten
    here: programs may still use it (end it with `au2 token delete`).
    """
    from au2.client.resources.accounts import Accounts
    from au2.domain.errors import NotAuthenticated

    entry = session.entry
    if entry.token is None:
        session.console.remark(f"You are not logged in to {session.address}.")
        return
    try:
        if not entry.is_managed:
            Accounts(session.transport).logout()
    except NotAuthenticated:
        # It ended before: the same result.
        pass
    finally:
        # Also when the server can't be reached: here it is gone, and the error tells the rest.
        session.remember(entry._replace(token=None, is_managed=False))
    session.console.remark(f"Logged out of {session.address}.")
