"""`au2 member remove`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session


@define("remove", examples=("au2 member remove you@example.org",))
@click.argument("email")
def command(session: Session, email: str) -> None:
    """Take somebody's role in the context away."""
    from au2.client.resources.organizations import Organizations

    Organizations(session.transport).remove_member(session.context, email)
    session.console.remark(f"{email} is no member here any more.")
