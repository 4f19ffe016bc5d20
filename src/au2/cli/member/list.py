"""`au2 member list`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns("email", "role", "project")


@define("list", examples=("au2 member list",), reads=True)
def command(session: Session) -> None:
    """List the members of the context. Without a project: members of the whole organization."""
    from au2.client.resources.organizations import Organizations

    found = Organizations(session.transport).list_members(session.context)
    session.console.show_list(_COLUMNS, [item.model_dump(mode="json") for item in found])
