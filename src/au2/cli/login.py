"""`au2 login`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session

_PASSWORD_LIMIT_BYTES = 4096


@define(
    "login",
    examples=(
        "au2 login --server http://127.0.0.1:8080",
        "au2 login --email me@example.org --password-stdin < password.txt",
    ),
)
@click.option("--email", metavar="E", help="Your email address; asked for if not given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def command(session: Session, email: str | None, password_stdin: bool) -> None:
    """Log in to a server.

    The token is kept in the configuration file (AU_CONFIG_FILE), which only you can read; the
    password is not kept.
    """
    from au2.client.resources.accounts import Accounts

    console = session.console
    server = session.address
    session.ensure_memory()
    email = email or session.entry.email or console.ask("Email", flag="--email")
    if password_stdin:
        password = console.read_input(_PASSWORD_LIMIT_BYTES).removesuffix("\n")
        password = password.removesuffix("\r")
        if not password:
            raise click.UsageError("There is no password on standard input.")
    else:
        password = console.ask_secret(f"Password of {email}", flag="--password-stdin")
    transport = session.connect(None)
    try:
        token = Accounts(transport).login(email, password)
    finally:
        transport.close()
    kept = session.entry
    session.remember(kept._replace(token=token.token, is_managed=False, email=email))
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    console.remark(f"Logged in to {server} as {email}{until}.")
