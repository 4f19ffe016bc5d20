"""``au2-server init``: the first user, organization and project."""

from contextlib import closing

import click

from au2.app.secrets.keys import ensure_keys
from au2.console.commands import CommandSession, define
from au2.domain.clock import now
from au2.server.bootstrap import InitialSetup, NewScope, bootstrap_installation
from au2.server.commands.options import data_option, read_password, settings_of
from au2.server.data_directory import DataDirectory, lock_data_directory
from au2.server.wiring.services import make_bootstrap_services
from au2.server.wiring.stores import make_key_file, open_database

_LOCK_PATIENCE_SECONDS = 0.0


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
def command(
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
    wanted = InitialSetup(
        email=email,
        organization=_named("organization", organization, organization_id),
        project=_named("project", project, project_id),
    )
    wanted.check()
    password = read_password(session.console, password_stdin)
    settings = settings_of(session, data)  # a mistake in them is better known now than at the start
    data.create()
    with (
        lock_data_directory(data.root, patience_seconds=_LOCK_PATIENCE_SECONDS),
        closing(open_database(data)) as database,
    ):
        database.migrate()
        ensure_keys(database, make_key_file(data, settings), now())
        people = make_bootstrap_services(database)
        record = bootstrap_installation(
            database, people.accounts, people.organizations, wanted, password
        )
    session.console.show_fields(record)


def _named(what: str, name: str | None, guid: str | None) -> NewScope | None:
    if name is None and guid is not None:
        raise click.UsageError(f"--{what}-id needs --{what} NAME.")
    return None if name is None else NewScope(name, guid)
