"""`au2 organization list`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("id", "name", "created_at")


@define("list", examples=("au2 organization list",), reads=True)
def command(session: Session) -> None:
    """List the organizations you belong to."""
    from au2.client.resources.organizations import Organizations

    found = Organizations(session.transport).list_organizations()
    session.console.show_list(_COLUMNS, [item.model_dump(mode="json") for item in found])
