"""`au2 process`: processes, their versions, packages and runs."""

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import latest_option, process_argument, version_option, yes_option
from au2.cli.packages.package_context import find_process, own_process_argument
from au2.console.cells import CHANGES, Columns, Document, WideColumn, columns
from au2.console.commands import Group
from au2.domain.clock import now, parse_time
from au2.domain.wording import format_age

if TYPE_CHECKING:
    from au2.client.resources.processes import Processes

command = Group(
    "process",
    help="Processes: named programs that run in containers, version by version.",
    summaries={
        "repo": "Packages: folders of code that become versions.",
        "version": "Versions of a process.",
        "run": "Run a process.",
    },
    package=__name__,
)


def _make_columns(name_of: Callable[[Document], str]) -> Columns:
    return columns(
        id=WideColumn("id"),
        name=name_of,
        newest=_format_newest,
        published=lambda document: _overview(document).get("published_version"),
        last_run=_format_last_run,
        organization=WideColumn("organization"),
        project=WideColumn("project"),
        tags=WideColumn("tags"),
        updated_at=WideColumn("updated_at"),
    )


def _overview(document: Document) -> Document:
    return document.get("overview") or {}


def _format_newest(document: Document) -> str | None:
    """Return the number of the newest version, with its status unless that is AVAILABLE."""
    found = _overview(document)
    number, status = found.get("newest_version"), found.get("newest_status")
    if number is None:
        return None
    return str(number) if status == "AVAILABLE" else f"{number} {status}"


def _format_last_run(document: Document) -> str | None:
    """Return state and age of the last run, and its id."""
    run = _overview(document).get("last_run")
    if run is None:
        return None
    moment = parse_time(run["ended_at"] or run["created_at"])
    return f"{run['state']} {format_age(moment, now())} (job {run['id']})"


_RECORD = columns("id", "name", "description", "organization", "project", "tags", *CHANGES)


def _calls(session: Session) -> "Processes":
    from au2.client.resources.processes import Processes

    return Processes(session.transport)


@define(
    "list",
    group=command,
    examples=("au2 process list", "au2 process list --tag weekly -o json"),
    reads=True,
)
@click.option("--name", metavar="N", help="Only processes of this name.")
@click.option("--tag", metavar="T", help="Only processes with this tag.")
def list_processes(session: Session, name: str | None, tag: str | None) -> None:
    """List the processes visible in the context."""
    found = _calls(session).list_processes(session.context, name=name, tag=tag, overview=True)
    count = Counter(process.name for process in found)

    def name_of(document: Document) -> str:
        """Return the name, and below a name that is not unique the id."""
        name = str(document["name"])
        return name if count[name] == 1 or session.console.is_wide else f"{name}\n{document['id']}"

    session.show_all(_make_columns(name_of), found)


@define(
    "create",
    group=command,
    examples=('au2 process create --name forecast --description "Weekly forecast"',),
    reads=True,
)
@click.option("--name", metavar="N", required=True, help="The name; need not be unique.")
@click.option("--description", metavar="D", default="", help="A description, in Markdown.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="A tag; may be repeated.")
def create(session: Session, name: str, description: str, tags: tuple[str, ...]) -> None:
    """Create a process without versions.

    For a package this is not needed: `au2 process repo upload` creates its process.
    """
    made = _calls(session).create_process(session.context, name, description, list(tags))
    session.show(_RECORD, made)


@define(
    "show",
    group=command,
    examples=("au2 process show forecast", "au2 process show"),
    reads=True,
)
@own_process_argument
def show(session: Session, process: str | None) -> None:
    """Show a process. PROCESS is a GUID, or a name unique in the context.

    Without PROCESS, that of the aunsight.yml in the current folder.
    """
    session.show(_RECORD, _calls(session).get_process(find_process(session, process)))


@define(
    "update",
    group=command,
    examples=("au2 process update forecast --name forecast-weekly --tag weekly",),
    reads=True,
)
@process_argument
@click.option("--name", metavar="N", help="The new name.")
@click.option("--description", metavar="D", help="The new description, in Markdown.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="A new tag; may be repeated.")
@click.option("--no-tags", is_flag=True, help="Remove all tags.")
def update(
    session: Session,
    *,
    process: str,
    name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    no_tags: bool,
) -> None:
    """Change a process's name, description or tags. Without an option, a field stays."""
    from au2.wire.process import ProcessUpdate
    from au2.wire.violations import build

    if tags and no_tags:
        raise click.UsageError("Give --tag or --no-tags, not both.")
    if name is None and description is None and not tags and not no_tags:
        raise click.UsageError("Nothing to change: give --name, --description, --tag or --no-tags.")
    new_tags = list(tags) if tags or no_tags else None
    update = build(ProcessUpdate, name=name, description=description, tags=new_tags)
    process_id = session.find_process(process)
    session.show(_RECORD, _calls(session).update_process(process_id, update))


@define("delete", group=command, examples=("au2 process delete forecast --yes",))
@process_argument
@yes_option
def delete(session: Session, process: str, yes: bool) -> None:
    """Delete a process with all its versions. Records of its jobs stay."""
    process_id = session.find_process(process)
    if not yes:
        session.console.confirm(f"Delete process {process} with all its versions?")
    _calls(session).delete_process(process_id)
    session.console.report(
        f"Process {process_id} is deleted.", {"process": process_id, "deleted": True}
    )


def _format_default(document: Document) -> str | None:
    return json.dumps(document["default"], ensure_ascii=False) if "default" in document else None


def _format_values(document: Document) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in document["enum"])


_ARGUMENTS = columns(
    *("name", "type", "required"),
    default=_format_default,
    values=_format_values,
    description="description",
)


@define(
    "args",
    group=command,
    examples=("au2 process args forecast", "au2 process args forecast --ver 3 -o json"),
    reads=True,
)
@own_process_argument
@version_option
@latest_option
def args(session: Session, process: str | None, *, version: int | None, latest: bool) -> None:
    """Show the arguments of a process, described by its args.schema.yml.

    Without PROCESS, of the process of the aunsight.yml in the current folder; without --ver, of
    the default version of runs.
    """
    if latest and version is not None:
        raise click.UsageError("Give --ver or --latest, not both.")
    from au2.client.resources.versions import get_argument_schema
    from au2.jsonschema.arguments import list_arguments

    process_id = find_process(session, process)
    schema = get_argument_schema(session.transport, process_id, version, latest=latest)
    found = [] if schema is None else list_arguments(schema)
    console = session.console
    console.show_list(_ARGUMENTS, [argument.to_document() for argument in found])
    if schema is None:
        console.remark("The process has no schema of its arguments: it takes any JSON object.")
    elif not found:
        console.remark("The schema names no arguments. Show all of it: au2 process version show")
