"""`au2 process`: named code that runs in containers, version by version."""

import json

import click

from au2.cli.command import define
from au2.cli.options import latest_option, process_argument, version_option
from au2.cli.session import Session
from au2.console.cells import Document, columns
from au2.console.commands import Group
from au2.wire.documents import format_document

command = Group(
    "process",
    help="Processes: named code that runs in containers, version by version.",
    summaries={
        "repo": "Packages: folders of code that become versions.",
        "version": "Versions of a process.",
        "run": "Run a process.",
    },
    package=__name__,
)


_LIST = columns("id", "name", "organization", "project", "tags", "updated_at")


_RECORD = columns(
    "id",
    "name",
    "description",
    "organization",
    "project",
    "tags",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)


@define(
    "list",
    group=command,
    examples=("au2 process list", "au2 process list --tag weekly -o json"),
    reads=True,
)
@click.option("--name", metavar="N", help="Only those of this name.")
@click.option("--tag", metavar="T", help="Only those with this tag.")
def list_processes(session: Session, name: str | None, tag: str | None) -> None:
    """List the processes that are visible in the context."""
    from au2.client.resources.processes import Processes

    found = Processes(session.transport).list_processes(session.context, name=name, tag=tag)
    session.console.show_list(_LIST, [format_document(item) for item in found])


@define(
    "create",
    group=command,
    examples=('au2 process create --name forecast --description "Weekly forecast"',),
    reads=True,
)
@click.option("--name", metavar="N", required=True, help="Its name; need not be unique.")
@click.option("--description", metavar="D", default="", help="What it does, in Markdown.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="A tag; may be repeated.")
def create(session: Session, name: str, description: str, tags: tuple[str, ...]) -> None:
    """Create a process without versions.

    For a package this is not needed: `au2 process repo upload` creates its process.
    """
    from au2.client.resources.processes import Processes

    calls = Processes(session.transport)
    made = calls.create_process(session.context, name, description, list(tags))
    session.console.show_record(_RECORD, format_document(made))


@define("show", group=command, examples=("au2 process show forecast",), reads=True)
@process_argument
def show(session: Session, process: str) -> None:
    """Show a process. PROCESS is a GUID, or a name that is unique in the context."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Processes

    found = Processes(session.transport).get_process(find_process_id(session, process))
    session.console.show_record(_RECORD, format_document(found))


@define(
    "update",
    group=command,
    examples=("au2 process update forecast --name forecast-weekly --tag weekly",),
    reads=True,
)
@process_argument
@click.option("--name", metavar="N", help="Its new name.")
@click.option("--description", metavar="D", help="Its new description, in Markdown.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="Its new tags; may be repeated.")
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
def update(
    session: Session,
    *,
    process: str,
    name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    no_tags: bool,
) -> None:
    """Change a process's name, description or tags. What is not given stays."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Processes
    from au2.wire.process import ProcessUpdate
    from au2.wire.violations import build

    if tags and no_tags:
        raise click.UsageError("Give --tag or --no-tags, not both.")
    if name is None and description is None and not tags and not no_tags:
        raise click.UsageError("Nothing to change: give --name, --description, --tag or --no-tags.")
    new_tags = list(tags) if tags or no_tags else None
    update = build(ProcessUpdate, name=name, description=description, tags=new_tags)
    calls = Processes(session.transport)
    changed = calls.update_process(find_process_id(session, process), update)
    session.console.show_record(_RECORD, format_document(changed))


@define("delete", group=command, examples=("au2 process delete forecast --yes",))
@process_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, process: str, yes: bool) -> None:
    """Delete a process with all its versions. Records of its jobs stay."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Processes

    process_id = find_process_id(session, process)
    if not yes:
        session.console.confirm(f"Delete process {process} with all its versions?")
    Processes(session.transport).delete_process(process_id)
    session.console.remark(f"Process {process_id} is deleted.")


def _format_default(document: Document) -> str | None:
    return json.dumps(document["default"], ensure_ascii=False) if "default" in document else None


def _format_values(document: Document) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in document["enum"])


_ARGUMENTS = columns(
    "name",
    "type",
    "required",
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
@process_argument
@version_option
@latest_option
def args(session: Session, process: str, *, version: int | None, latest: bool) -> None:
    """Show which arguments a process takes: what its args.schema.yml says.

    Without --ver it is about the version that a run would take.
    """
    if latest and version is not None:
        raise click.UsageError("Give --ver or --latest, not both.")
    from au2.cli.lookup import find_process_id
    from au2.client.resources.versions import get_argument_schema
    from au2.jsonschema.arguments import list_arguments

    process_id = find_process_id(session, process)
    schema = get_argument_schema(session.transport, process_id, version, latest=latest)
    found = [] if schema is None else list_arguments(schema)
    console = session.console
    console.show_list(_ARGUMENTS, [argument.to_document() for argument in found])
    if schema is None:
        console.remark("The process says nothing about its arguments: it takes any JSON object.")
    elif not found:
        console.remark("The schema names no arguments. See it whole: au2 process version show")
