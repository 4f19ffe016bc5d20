"""`au2 context`: the organization or project of the commands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.context.account_completion import complete_organizations, complete_projects
from au2.cli.context.context_choice import CONFIGURATION, TOKEN_VARIABLE, ContextChoice, find_choice
from au2.console.cells import WideColumn, columns
from au2.console.commands import Group
from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidRequest
from au2.domain.ids import is_guid

if TYPE_CHECKING:
    from au2.wire.account import MembershipView

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
_RECORD = columns("server", "profile", *_FIELDS, "token_from", "context_from")
_LIST = columns(
    organization="organization_name",
    project="project_name",
    role="role",
    present=lambda document: "yes" if document["present"] else "",
    organization_id=WideColumn("organization"),
    project_id=WideColumn("project"),
)


@define(
    "list",
    group=command,
    examples=("au2 context list", "au2 context list -o json"),
    reads=True,
)
def show_contexts(session: Session) -> None:
    """List the contexts that your roles reach, and the profiles kept on this machine."""
    from au2.client.resources.accounts import Accounts
    from au2.wire.documents import format_document

    contexts = Accounts(session.transport).list_contexts()
    choice = find_choice(session)
    present = None if choice is None else session.context
    documents = [
        {
            **format_document(found),
            "present": present == Context(found.organization, found.project),
        }
        for found in contexts
    ]
    session.console.show_list(_LIST, documents)
    if session.stated_token is None:
        for name, profile in session.configuration.profiles.items():
            session.console.remark(f"Profile {name}: {profile.entry.email} on {profile.server}")


@define(
    "set",
    group=command,
    examples=(
        "au2 context set",
        "au2 context set Acme forecasting",
        "au2 context set 20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0",
        "au2 context set managed-token --stdin < token.txt",
    ),
    has_context=False,
)
@click.argument(
    "organization",
    metavar="[ORG|managed-token]",
    required=False,
    shell_complete=complete_organizations,
)
@click.argument("project", metavar="[PROJECT]", required=False, shell_complete=complete_projects)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the managed token from stdin.")
def set_context(
    session: Session, organization: str | None, project: str | None, from_stdin: bool
) -> None:
    """Choose an organization or project, or use a managed token.

    ORG and PROJECT are GUIDs or unique names; without them, the command asks. With `managed-token`
    instead, the command asks for a token made by `au2 token create`, and uses the token from then
    on.
    """
    if organization == _MANAGED_TOKEN:
        if project is not None:
            raise click.UsageError("managed-token takes no further argument.")
        _use_managed_token(session, from_stdin=from_stdin)
        return
    if from_stdin:
        raise click.UsageError("--stdin goes with managed-token.")
    _set_context(session, organization, project)


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
    console.report(
        f"The token of {email} is used on {session.address} from now on.",
        {"server": str(session.address), "email": email, "is_managed": is_managed},
    )
    if session.stated_token is not None:
        console.remark("AU_TOKEN is set: commands use its token instead.")


def _set_context(session: Session, organization: str | None, project: str | None) -> None:
    from au2.cli.context.login_context import ask_context, list_contexts, remember_context

    if organization is None:
        chosen = ask_context(session, list_contexts(session.transport))
    else:
        chosen = _find_context(session, organization, project)
    remember_context(session, chosen)
    if session.console.makes_document:
        session.console.show_document({name: getattr(chosen, name) for name in _FIELDS[1:]})
    if chosen.project is None:
        _remark_on_projects(session, chosen, list_contexts(session.transport))


def _find_context(session: Session, organization: str, project: str | None) -> "MembershipView":
    """Return the context by GUIDs or names; the role in it stays open."""
    from au2.cli.lookup import find_organization, find_project
    from au2.client.resources.organizations import Organizations
    from au2.wire.account import MembershipView

    calls = Organizations(session.transport)
    found = find_organization(calls, organization)
    inner = find_project(calls, found.id, project) if project is not None else None
    return MembershipView(
        organization=found.id,
        organization_name=found.name,
        project=inner.id if inner else None,
        project_name=inner.name if inner else None,
        role="",
    )


def _remark_on_projects(
    session: Session, chosen: "MembershipView", contexts: "Sequence[MembershipView]"
) -> None:
    """Tell a member of projects only why the organization itself shows nothing."""
    inside = [found for found in contexts if found.organization == chosen.organization]
    names = [found.project_name for found in inside if found.project_name is not None]
    if not names or len(names) < len(inside):
        return  # A role in the organization itself reaches all of it.
    from shlex import join

    name = chosen.organization_name
    command_line = join(["au2", "context", "set", name, names[0]])
    session.console.remark(
        f"You are a member of projects of {name} only ({', '.join(names)}): outside of them it "
        f"shows you nothing. Choose a project with: {command_line}"
    )


@define(
    "show", group=command, examples=("au2 context show", "au2 context show -o json"), reads=True
)
def show(session: Session) -> None:
    """Show the context and where each value comes from, without a request to the server."""
    choice = find_choice(session)
    fields: dict[str, object] = dict.fromkeys(_FIELDS)
    if choice is not None:
        fields |= _describe_choice(session, choice)
    sources = {"token_from": None, "context_from": None if choice is None else choice.source}
    if session.stated_token is not None:
        sources["token_from"] = TOKEN_VARIABLE
    elif session.entry.token is not None:
        sources["token_from"] = CONFIGURATION
        fields["email"] = session.entry.email
    record = {"server": str(session.address), "profile": session.profile, **fields, **sources}
    session.console.show_record(_RECORD, record)


def _describe_choice(session: Session, choice: ContextChoice) -> dict[str, str | None]:
    """Return ids and names as far as they are known here."""
    kept = session.entry if choice.source == CONFIGURATION else None
    described: dict[str, str | None] = {}
    for field, stated in (("organization", choice.organization), ("project", choice.project)):
        is_id = stated is not None and is_guid(stated)
        described[field] = stated if is_id else None
        described[f"{field}_name"] = None if is_id else stated
        if kept is not None and stated == getattr(kept, field):
            described[f"{field}_name"] = getattr(kept, f"{field}_name")
    return described
