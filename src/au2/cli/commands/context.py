"""`au2 context`: the organization or project of the commands."""

import click

from au2.cli.command import Session, define
from au2.console.cells import columns
from au2.console.commands import Group
from au2.domain.errors import InvalidRequest

command = Group(
    "context",
    help="Choose where to work; see who you are.",
    summaries={
        "whoami": "Show who is logged in.",
        "token-info": "Show the token in use.",
        "renew": "Exchange the login token for a fresh one.",
    },
    addresses={
        name: f"au2.cli.commands.account:{name.replace('-', '_')}"
        for name in ("whoami", "token-info", "renew")
    },
)

_MANAGED_TOKEN = "managed-token"  # noqa: S105 - a word of the command line
_TOKEN_LIMIT_BYTES = 4096
_FIELDS = ("email", "organization", "organization_name", "project", "project_name")
_RECORD = columns("server", *_FIELDS)


@define(
    "set",
    group=command,
    examples=(
        "au2 context set 20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0",
        "au2 context set 20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0 8283de3e-2cce-4bc8-a523-0c7f84399530",
        "au2 context set managed-token --stdin < token.txt",
    ),
)
@click.argument("organization", metavar="ORG|managed-token")
@click.argument("project", metavar="[PROJECT]", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the managed token from stdin.")
def set_context(session: Session, organization: str, project: str | None, from_stdin: bool) -> None:
    """Choose an organization or project, or use a managed token.

    ORG and PROJECT are GUIDs or unique names. With `managed-token` instead, the command asks for a
    token made by `au2 token create`, and uses the token from then on.
    """
    if organization == _MANAGED_TOKEN:
        if project is not None:
            raise click.UsageError("managed-token takes no further argument.")
        _use_managed_token(session, from_stdin=from_stdin)
        return
    if from_stdin:
        raise click.UsageError("--stdin goes with managed-token.")
    _remember_context(session, organization, project)


def _use_managed_token(session: Session, *, from_stdin: bool) -> None:
    from au2.client.resources.accounts import Accounts

    console = session.console
    if from_stdin:
        token = console.read_input(_TOKEN_LIMIT_BYTES).strip()
    else:
        token = console.ask_secret("Managed token", flag="--stdin").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise InvalidRequest("The input is not a token.")
    transport = session.connect(token)
    try:
        accounts = Accounts(transport)
        is_managed = accounts.current_token().kind == "managed"
        email = accounts.account().email
    finally:
        transport.close()
    session.remember(session.entry._replace(token=token, is_managed=is_managed, email=email))
    console.remark(f"The token of {email} is used on {session.address} from now on.")


def _remember_context(session: Session, organization: str, project: str | None) -> None:
    from au2.cli.lookup import find_organization, find_project
    from au2.client.resources.organizations import Organizations

    calls = Organizations(session.transport)
    found = find_organization(calls, organization)
    inner = find_project(calls, found.id, project) if project is not None else None
    session.remember(
        session.entry._replace(
            organization=found.id,
            organization_name=found.name,
            project=inner.id if inner else None,
            project_name=inner.name if inner else None,
        )
    )
    context = f"organization {found.name}" + (f", project {inner.name}" if inner else "")
    session.console.remark(f"The context is now: {context}.")


@define(
    "show", group=command, examples=("au2 context show", "au2 context show -o json"), reads=True
)
def show(session: Session) -> None:
    """Show the context, without a request to the server."""
    fields = {name: getattr(session.entry, name) for name in _FIELDS}
    session.console.show_record(_RECORD, {"server": str(session.address)} | fields)
