"""`au2 secret list`."""

from au2.cli.commands import define
from au2.cli.secret.fields import LIST
from au2.cli.session import Session


@define("list", examples=("au2 secret list", "au2 secret list -o json"), reads=True)
def command(session: Session) -> None:
    """List the secrets that can be used in the context, without their values."""
    from au2.client.resources.secrets import Secrets

    found = Secrets(session.transport).list_secrets(session.context)
    session.console.show_list(LIST, [item.model_dump(mode="json") for item in found])
