"""`au2 context show`."""

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_COLUMNS = columns(
    "server", "email", "organization", "organization_name", "project", "project_name"
)


@define("show", examples=("au2 context show", "au2 context show -o json"), reads=True)
def command(session: Session) -> None:
    """Show the context that is set. Nothing is asked of the server."""
    entry = session.entry
    document = {
        "server": str(session.address),
        "email": entry.email,
        "organization": entry.organization,
        "organization_name": entry.organization_name,
        "project": entry.project,
        "project_name": entry.project_name,
    }
    session.console.show_record(_COLUMNS, document)
