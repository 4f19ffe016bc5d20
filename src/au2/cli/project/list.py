"""`au2 project list`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("id", "name", "organization", "created_at")


@define("list", examples=("au2 project list",), reads=True)
def command(session: Session) -> None:
    """List the organization's projects that you may see."""
    from au2.client.resources.organizations import Organizations

    organization = session.context.organization_id
    found = Organizations(session.transport).list_projects(organization)
    session.console.show_list(_COLUMNS, [item.model_dump(mode="json") for item in found])
