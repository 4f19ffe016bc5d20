"""`au2 whoami`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import Document, columns


def _roles(document: Document) -> str:
    return "\n".join(_role(membership) for membership in document["memberships"])


def _role(membership: Document) -> str:
    places = [membership["organization_name"], membership["project_name"]]
    return f"{' / '.join(place for place in places if place)}: {membership['role']}"


_COLUMNS = columns("email", "id", operator="is_operator", roles=_roles)


@define("whoami", examples=("au2 whoami", "au2 whoami -o json"), reads=True)
def command(session: Session) -> None:
    """Show who is logged in, and which roles they have where."""
    from au2.client.resources.accounts import Accounts

    account = Accounts(session.transport).account()
    session.console.show_record(_COLUMNS, account.model_dump(mode="json"))
