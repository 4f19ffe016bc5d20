"""Commands ``au2-server init`` and ``au2-server password``: first user and lost passwords."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import click

from au2.app.accounts.accounts import Accounts
from au2.app.accounts.email import parse_email
from au2.app.accounts.passwords import Passwords, make_hasher
from au2.app.organizations import Organizations
from au2.app.secret_keys import ensure_keys
from au2.app.validation import parse_name
from au2.console.commands import CommandSession, define
from au2.domain.accounts.password import ensure_usable_password
from au2.domain.clock import now
from au2.domain.errors import Conflict, InvalidRequest
from au2.domain.ids import parse_guid
from au2.domain.wording import count_of
from au2.server.commands.options import data_option, option_of, read_password, settings_of
from au2.server.data_directory import DataDirectory, lock_data_directory
from au2.server.settings.sections import Settings
from au2.server.wiring.stores import make_key_file, open_database, opened_to_write
from au2.stores.database.accounts import count_users
from au2.stores.database.database import Database

_LOCK_PATIENCE_SECONDS = 0.0
_FIRST_RUNTIME = "Python3.11"
"""Of the catalogue; built first because the guides use it."""


@define(
    "init",
    examples=(
        "au2-server init --data-dir /var/lib/au2 --email you@example.com --organization Acme",
    ),
    reads=True,
)
@data_option
@click.option("--email", required=True, help="Email address of the first user, an operator.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--organization", metavar="NAME", help="Also create an organization.")
@click.option("--organization-id", metavar="GUID", help="Its id, instead of a random one.")
@click.option("--project", metavar="NAME", help="Also create a project in it.")
@click.option("--project-id", metavar="GUID", help="Its id, instead of a random one.")
def init(
    session: CommandSession,
    *,
    data: DataDirectory,
    email: str,
    password_stdin: bool,
    organization: str | None,
    organization_id: str | None,
    project: str | None,
    project_id: str | None,
) -> None:
    """Prepare a data directory and create its first user, who may do everything."""
    parse_email(email)
    if project is not None and organization is None:
        raise InvalidRequest("A project is created in an organization: name one, too.")
    scopes = [
        _parse_scope("organization", "an organization", organization, organization_id),
        _parse_scope("project", "a project", project, project_id),
    ]
    password = read_password(session.console, password_stdin)
    ensure_usable_password(password)
    settings = settings_of(session, data)  # invalid ones are better refused now than at the start
    data.create()
    with (
        lock_data_directory(data.root, patience_seconds=_LOCK_PATIENCE_SECONDS),
        closing(open_database(data)) as database,
    ):
        database.migrate()
        ensure_keys(database, make_key_file(data, settings), now())
        record = _create_first_user(database, email, password, *scopes)
    session.console.show_fields(record)
    if session.console.output_format == "table":
        for line in describe_next_steps(data, settings, record):
            session.console.remark(line)


def describe_next_steps(
    data: DataDirectory, settings: Settings, record: Mapping[str, str | None]
) -> Sequence[str]:
    """Return the steps after ``init``, as commands that can be copied.

    ``record``: the ids of user, organization and project.
    """
    server = settings.server
    scheme = "http" if server.tls is None else "https"
    url = server.external_url or f"{scheme}://{server.listen}"
    keys = make_key_file(data, settings).path
    scope = " ".join(guid for name in ("organization", "project") if (guid := record.get(name)))
    return (
        f"Keep a copy of {keys} apart: without it no secret can be read again.",
        "Next:",
        f"  au2-server doctor {option_of(data)}",
        f"  au2-server runtime build {_FIRST_RUNTIME} {option_of(data)}",
        f"  au2-server start {option_of(data)}",
        "Then, in another terminal:",
        f"  au2 login --server {shlex.quote(url)} --email {shlex.quote(str(record['email']))}",
        *([f"  au2 context set {scope}"] if scope else []),
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    """An organization or project to create, with an id of the operator's choice or a random one."""

    name: str
    id: str | None


def _parse_scope(flag: str, noun: str, name: str | None, guid: str | None) -> _Scope | None:
    if name is None:
        if guid is not None:
            raise click.UsageError(f"--{flag}-id needs --{flag} NAME.")
        return None
    parse_name(name, noun)
    if guid is not None:
        parse_guid(guid)
    return _Scope(name, guid)


def _create_first_user(
    database: Database,
    email: str,
    password: str,
    organization: _Scope | None,
    project: _Scope | None,
) -> dict[str, str | None]:
    """Return the ids of user, organization and project. Raises Conflict for a second one."""
    with database.read() as transaction:
        if count_users(transaction):
            raise Conflict(
                "This data directory has its first user already.",
                hint="Log in as that user and add others with 'au2 member add'; another operator: "
                "au2-server user add EMAIL --operator",
            )
    accounts = Accounts(database, Passwords(make_hasher()))
    organizations = Organizations(database)
    user = accounts.add_user(email, password, is_operator=True)
    record: dict[str, str | None] = {"email": user.email, "user": user.id}
    if organization is not None:
        owner = organizations.create_organization(
            accounts.actor_of(user.email), organization.name, organization_id=organization.id
        )
        record["organization"] = owner.id
        if project is not None:
            # Looked up anew: the user is now the organization's admin.
            record["project"] = organizations.create_project(
                accounts.actor_of(user.email), owner.id, project.name, project_id=project.id
            ).id
    return record


@define("password", examples=("au2-server password you@example.com --data-dir /var/lib/au2",))
@click.argument("email")
@data_option
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password(
    session: CommandSession, *, email: str, data: DataDirectory, password_stdin: bool
) -> None:
    """Give the user EMAIL another password, and end all their logins and tokens.

    The server may be running. The user then changes the password with: au2 password
    """
    data.check()
    wanted = read_password(session.console, password_stdin)
    with opened_to_write(data) as database:
        ended = Accounts(database, Passwords(make_hasher())).reset_password(email, wanted)
    tokens = count_of(ended, "token was", "tokens were")
    session.console.remark(f"{email} has a new password; {tokens} ended.")
