"""`au2 password`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.console import Console

_FLAG = "--stdin"
_INPUT_LIMIT_BYTES = 4096


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
    _FLAG,
    is_flag=True,
    help="Read two lines from standard input: the present password and the new one.",
)
@click.option(
    "end_tokens",
    "--end-tokens",
    is_flag=True,
    help="End your managed tokens too, also one that this command uses.",
)
def command(session: Session, from_stdin: bool, end_tokens: bool) -> None:
    """Change your password.

    All your other logins end. Managed tokens stay, unless --end-tokens is given: do that if
    somebody else may have known the password, for they may have made some.
    """
    from au2.client.resources.accounts import Accounts
    from au2.domain.errors import WrongPassword
    from au2.domain.identity import PASSWORD_MOST_CHARACTERS, ensure_usable_password

    transport = session.transport
    console = session.console
    present, new = _read(console) if from_stdin else _ask(console)
    ensure_usable_password(new)
    if len(present) > PASSWORD_MOST_CHARACTERS:
        # Nobody has one so long, and it could not be sent.
        raise WrongPassword("The present password is wrong.", hint="Nothing was changed.")
    Accounts(transport).change_password(present, new, end_tokens=end_tokens)
    ended = "Your other logins and your managed tokens" if end_tokens else "Your other logins"
    console.remark(f"The password is changed. {ended} have ended.")


def _ask(console: Console) -> tuple[str, str]:
    from au2.domain.errors import InvalidRequest

    present = console.ask_secret("Present password", flag=_FLAG)
    new = console.ask_secret("New password", flag=_FLAG)
    if console.ask_secret("New password again", flag=_FLAG) != new:
        raise InvalidRequest("The two new passwords differ.", hint="Nothing was changed.")
    return present, new


def _read(console: Console) -> tuple[str, str]:
    from au2.domain.errors import InvalidRequest

    lines = console.read_input(_INPUT_LIMIT_BYTES).removesuffix("\n").split("\n")
    if len(lines) != 2:
        raise InvalidRequest(f"{_FLAG} takes two lines: the present password and the new one.")
    present, new = (line.removesuffix("\r") for line in lines)
    return present, new
