"""The account: `au2 login`, `logout`, `whoami`, `token-info`, `renew`, `password`, `token`."""

from functools import partial
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.context.account_completion import complete_tokens
from au2.console.cells import Document, WideColumn, columns
from au2.console.commands import Group
from au2.console.console import Console
from au2.domain.errors import InvalidRequest, NotAuthenticated, WrongPassword

if TYPE_CHECKING:
    from datetime import datetime

    from au2.client.http.transport import Transport
    from au2.client.resources.accounts import Accounts

_define = partial(define, has_context=False)
_INPUT_LIMIT_BYTES = 4096
_STDIN_FLAG = "--stdin"
_TOKEN = columns("id", "kind", "name", "created_at", "expires_at", "last_used_at")
_LIST = columns(
    *("id", "name", "expires_at", "last_used_at"),
    kind=WideColumn("kind"),
    created_at=WideColumn("created_at"),
)
_NEW_TOKEN = columns("id", "name", "expires_at", "token")

tokens = Group("token", help="Managed tokens, for programs. Each acts as its owner.")


def _calls(transport: "Transport") -> "Accounts":
    from au2.client.resources.accounts import Accounts

    return Accounts(transport)


@_define(
    "login",
    examples=(
        "au2 login --server http://127.0.0.1:8080",
        "au2 login --profile production --server https://au2.example.org",
        "au2 login --email me@example.org --password-stdin < password.txt",
    ),
)
@click.option("--email", metavar="E", help="Your email address; asked for if not given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def login(session: Session, email: str | None, password_stdin: bool) -> None:
    """Log in to a server.

    The only context is chosen at once; of several, choose with `au2 context set`. With --profile,
    server, login and context are kept under that name.

    The token is kept in the configuration file (AU_CONFIG_FILE), which only you can read; the
    password is not kept.
    """
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
        token = _calls(transport).login(email, password)
    finally:
        transport.close()
    kept = session.entry
    session.remember(kept._replace(token=token.token, is_managed=False, email=email))
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    _remark_on_login(session, f"Logged in to {server} as {email}{until}.")
    from au2.cli.context.login_context import choose_context
    from au2.wire.documents import format_document

    chosen = choose_context(session, token.token)
    if console.makes_document:
        document = {"server": str(server), "profile": session.profile, "email": email}
        document["expires_at"] = format_document(token)["expires_at"]
        console.show_document(document | chosen)


def _remark_on_login(session: Session, text: str) -> None:
    session.console.remark(text)
    if session.stated_token is not None:
        session.console.remark("AU_TOKEN is set: commands use its token instead of this login.")


@_define("logout", examples=("au2 logout",))
def logout(session: Session) -> None:
    """Log out.

    The login token ends on the server and is forgotten here. A managed token is only forgotten
    here: programs may still use such a token (end it with `au2 token delete`).
    """
    session.ensure_own_login()
    entry = session.entry
    done = {"server": str(session.address), "logged_out": entry.token is not None}
    if entry.token is None:
        session.console.report(f"You are not logged in to {session.address}.", done)
        return
    try:
        if not entry.is_managed:
            _calls(session.transport).logout()
    except NotAuthenticated:
        # The token had ended before: the same result.
        pass
    finally:
        # Also when the server is unreachable: the token is forgotten, and the error is shown.
        session.remember(entry._replace(token=None, is_managed=False))
    session.console.report(f"Logged out of {session.address}.", done)


def _roles(document: Document) -> str:
    return "\n".join(_role(membership) for membership in document["memberships"])


def _role(membership: Document) -> str:
    names = [membership["organization_name"], membership["project_name"]]
    return f"{' / '.join(name for name in names if name)}: {membership['role']}"


_ACCOUNT = columns("email", "id", operator="is_operator", roles=_roles)


@_define("whoami", examples=("au2 whoami", "au2 whoami -o json"), reads=True)
def whoami(session: Session) -> None:
    """Show who is logged in, with all roles."""
    session.show(_ACCOUNT, _calls(session.transport).account())


@_define("token-info", examples=("au2 token-info", "au2 token-info -o yaml"), reads=True)
def token_info(session: Session) -> None:
    """Show the token in use: its kind and its end, not the token itself."""
    session.show(_TOKEN, _calls(session.transport).current_token())


@_define("renew", examples=("au2 renew",))
def renew(session: Session) -> None:
    """Exchange the login token for a fresh one. The old one ends."""
    from au2.wire.documents import format_document

    session.ensure_own_login()
    session.ensure_writable()
    token = _calls(session.transport).renew()
    session.remember(session.entry._replace(token=token.token))
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    expires_at = format_document(token)["expires_at"]
    session.console.report(
        f"You are logged in{until}.",
        {"server": str(session.address), "expires_at": expires_at},
    )


@_define(
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
    from au2.domain.accounts.password import PASSWORD_MOST_CHARACTERS, ensure_usable_password

    transport = session.transport
    console = session.console
    present, new = _read_passwords(console) if from_stdin else _ask_passwords(console)
    ensure_usable_password(new)
    if len(present) > PASSWORD_MOST_CHARACTERS:
        # No password is so long, and the server would not read so long a request.
        raise WrongPassword("The present password is wrong.", hint="Nothing was changed.")
    _calls(transport).change_password(present, new, end_tokens=end_tokens)
    ended = "Your other logins and your managed tokens" if end_tokens else "Your other logins"
    console.report(
        f"The password is changed. {ended} have ended.",
        {"changed": True, "ended_logins": True, "ended_managed_tokens": end_tokens},
    )


def _ask_passwords(console: Console) -> tuple[str, str]:
    present = console.ask_secret("Present password", flag=_STDIN_FLAG)
    new = console.ask_secret("New password", flag=_STDIN_FLAG)
    if console.ask_secret("New password again", flag=_STDIN_FLAG) != new:
        raise InvalidRequest("The two new passwords differ.", hint="Nothing was changed.")
    return present, new


def _read_passwords(console: Console) -> tuple[str, str]:
    lines = console.read_input(_INPUT_LIMIT_BYTES).removesuffix("\n").split("\n")
    if len(lines) != 2:
        raise InvalidRequest(
            f"{_STDIN_FLAG} takes two lines: the present password and the new one."
        )
    present, new = (line.removesuffix("\r") for line in lines)
    return present, new


@_define(
    "create",
    group=tokens,
    examples=("au2 token create nightly --expires 90d", "au2 token create ci -o json"),
    reads=True,
)
@click.argument("name")
@click.option(
    "--expires", metavar="T", help="The end of the token: 12h, 90d, or a date (2030-01-31)."
)
def create_token(session: Session, name: str, expires: str | None) -> None:
    """Create a managed token and show it once.

    The token acts as you until its end or deletion. Use it with `au2 context set managed-token`.
    """
    expires_at = _parse_expiry(expires) if expires is not None else None
    token = _calls(session.transport).create_token(name, expires_at)
    session.show(_NEW_TOKEN, token)
    session.console.remark("Keep the token now: it is not shown again.")


def _parse_expiry(text: str) -> "datetime":
    from datetime import UTC, datetime, timedelta

    from au2.domain.clock import now
    from au2.package.sizes import parse_duration

    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now() + timedelta(seconds=parse_duration(text))
        except (InvalidRequest, OverflowError) as error:
            raise click.UsageError(
                f"--expires wants 12h, 90d or 2030-01-31, not '{text}'."
            ) from error
    return stated if stated.tzinfo else stated.replace(tzinfo=UTC)


@_define("list", group=tokens, examples=("au2 token list",), reads=True)
def list_tokens(session: Session) -> None:
    """List your tokens, without their secrets."""
    session.show_all(_LIST, _calls(session.transport).list_tokens())


@_define("delete", group=tokens, examples=("au2 token delete nightly",))
@click.argument("token", shell_complete=complete_tokens)
def delete_token(session: Session, token: str) -> None:
    """End a token, given by its id or by a unique name."""
    from au2.cli.lookup import find_one

    accounts = _calls(session.transport)
    found = find_one(accounts.list_tokens(), token, "token", where=" of yours")
    accounts.delete_token(found.id)
    session.console.report(
        f"Token '{found.name}' has ended.", {"id": found.id, "name": found.name, "deleted": True}
    )
