"""`au2 member add`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import columns

_ROLES = ("viewer", "runner", "developer", "admin")
_COLUMNS = columns("email", "role", "project")
_COLUMNS_OF_NEW_USER = columns("email", "role", "project", "initial_password")


@define("add", examples=("au2 member add you@example.org --role developer",), reads=True)
@click.argument("email")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What they may do.")
def command(session: Session, email: str, role: str) -> None:
    """Give somebody a role in the context.

    A viewer looks, a runner also runs, a developer also makes processes and versions, an admin also
    manages members and projects. Only an operator of the installation may name somebody new, who
    then gets a first password, which is shown once.
    """
    from au2.client.resources.organizations import Organizations

    added = Organizations(session.transport).add_member(session.context, email, role)
    is_new = added.initial_password is not None
    shown = _COLUMNS_OF_NEW_USER if is_new else _COLUMNS
    session.console.show_record(shown, added.model_dump(mode="json"))
    if is_new:
        session.console.remark("Pass the first password on now: it is not shown again.")
        session.console.remark("Tell them to log in and to change it with: au2 password")
