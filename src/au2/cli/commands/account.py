"""The account: `au2 login`, `logout`, `whoami`, `token-info`, `renew`, `password`."""

import click

from au2.cli.command import Session, define
from au2.console.cells import Document, columns
from au2.console.console import Console

_INPUT_LIMIT_BYTES = 4096
_STDIN_FLAG = "--stdin"


@define(
    "login",
    examples=(
        "au2 login --server http://127.0.0.1:8080",
        "au2 login --email me@example.org --password-stdin < password.txt",
    ),
)
@click.option("--email", metavar="E", help="Your email address; asked for if not given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def login(session: Session, email: str | None, password_stdin: bool) -> None:
    """Log in to a server.

    The token is kept in the configuration file (AU_CONFIG_FILE), which only you can read; the
    password is not kept.
    """
    from au2.client.resources.accounts import Accounts

    console = session.console
    server = session.address
    session.ensure_writable()
    email = email or session.entry.email or console.ask("Email", flag="--email")
    if password_stdin:
        password = console.read_input(_INPUT_LIMIT_BYTES).removesuffix("\n")
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


@define("logout", examples=("au2 logout",))
def logout(session: Session) -> None:
    """Log out.

    The login token ends on the server and is forgotten here. A managed token is only forgotten
    here: programs may still use such a token (end it with `au2 token delete`).
    """
    from au2.client.resources.accounts import Accounts
    from au2.domain.errors import NotAuthenticated

    entry = session.entry
    if entry.token is None:
        session.console.remark(f"You are not logged in to {session.address}.")
        return
    try:
        if not entry.is_managed:
            Accounts(session.transport).logout()
    except NotAuthenticated:
        # The token had ended before: the same result.
        pass
    finally:
        # Also when the server is unreachable: the token is forgotten, and the error is shown.
        session.remember(entry._replace(token=None, is_managed=False))
    session.console.remark(f"Logged out of {session.address}.")


def _roles(document: Document) -> str:
    return "\n".join(_role(membership) for membership in document["memberships"])


def _role(membership: Document) -> str:
    names = [membership["organization_name"], membership["project_name"]]
    return f"{' / '.join(name for name in names if name)}: {membership['role']}"


_ACCOUNT = columns("email", "id", operator="is_operator", roles=_roles)


@define("whoami", examples=("au2 whoami", "au2 whoami -o json"), reads=True)
def whoami(session: Session) -> None:
    """Show who is logged in, with all roles."""
    from au2.client.resources.accounts import Accounts

    session.show(_ACCOUNT, Accounts(session.transport).account())


_TOKEN = columns("id", "kind", "name", "created_at", "expires_at", "last_used_at")


@define("token-info", examples=("au2 token-info", "au2 token-info -o yaml"), reads=True)
def token_info(session: Session) -> None:
    """Show the token in use: its kind and its end, not the token itself."""
    from au2.client.resources.accounts import Accounts

    session.show(_TOKEN, Accounts(session.transport).current_token())


@define("renew", examples=("au2 renew",))
def renew(session: Session) -> None:
    """Exchange the login token for a fresh one. The old one ends."""
    from au2.client.resources.accounts import Accounts

    session.ensure_writable()
    token = Accounts(session.transport).renew()
    session.remember(session.entry._replace(token=token.token))
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    session.console.remark(f"You are logged in{until}.")


@define(
    "password",
    examples=(
        "au2 password",
        "au2 password --end-tokens",
        "au2 password --stdin < passwords.txt",
    ),
)
@click.option(
    "from_stdin",
    _STDIN_FLAG,
    is_flag=True,
    help="Read two lines from standard input: the present password and the new one.",
)
@click.option(
    "end_tokens",
    "--end-tokens",
    is_flag=True,
    help="End your managed tokens too, even the one in use.",
)
def password(session: Session, from_stdin: bool, end_tokens: bool) -> None:
    """Change your password.

    All your other logins end. Managed tokens stay, unless --end-tokens is given: use this option
    if another person may have known the password and created tokens.
    """
    from au2.client.resources.accounts import Accounts
    from au2.domain.errors import WrongPassword
    from au2.domain.identity import PASSWORD_MOST_CHARACTERS, ensure_usable_password

    transport = session.transport
    console = session.console
    present, new = _read_passwords(console) if from_stdin else _ask_passwords(console)
    ensure_usable_password(new)
    if len(present) > PASSWORD_MOST_CHARACTERS:
        # No password is so long, and the server would not read so long a request.
        raise WrongPassword("The present password is wrong.", hint="Nothing was changed.")
    Accounts(transport).change_password(present, new, end_tokens=end_tokens)
    ended = "Your other logins and your managed tokens" if end_tokens else "Your other logins"
    console.remark(f"The password is changed. {ended} have ended.")


def _ask_passwords(console: Console) -> tuple[str, str]:
    from au2.domain.errors import InvalidRequest

    present = console.ask_secret("Present password", flag=_STDIN_FLAG)
    new = console.ask_secret("New password", flag=_STDIN_FLAG)
    if console.ask_secret("New password again", flag=_STDIN_FLAG) != new:
        raise InvalidRequest("The two new passwords differ.", hint="Nothing was changed.")
    return present, new


def _read_passwords(console: Console) -> tuple[str, str]:
    from au2.domain.errors import InvalidRequest

    lines = console.read_input(_INPUT_LIMIT_BYTES).removesuffix("\n").split("\n")
    if len(lines) != 2:
        raise InvalidRequest(
            f"{_STDIN_FLAG} takes two lines: the present password and the new one."
        )
    present, new = (line.removesuffix("\r") for line in lines)
    return present, new
