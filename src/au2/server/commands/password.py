"""``au2-server password``: another password for somebody who lost theirs."""

import click

from au2.console.commands import CommandSession, define
from au2.server.commands.options import data_option, read_password
from au2.server.data_directory import DataDirectory
from au2.server.installation_database import opened_to_write
from au2.server.wiring.services import make_password_resets


@define(
    "password",
    examples=("au2-server password you@example.com --data-dir /var/lib/au2",),
)
@click.argument("email")
@data_option
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def command(
    session: CommandSession, *, email: str, data: DataDirectory, password_stdin: bool
) -> None:
    """Give the user EMAIL another password, and end all their logins and tokens.

    The server may be running. The user then changes it with: au2 password
    """
    data.check()
    wanted = read_password(session.console, password_stdin)
    with opened_to_write(data) as database:
        ended = make_password_resets(database).reset(email, wanted)
    noun = "token was" if ended == 1 else "tokens were"
    session.console.remark(f"{email} has a new password; {ended} {noun} ended.")
