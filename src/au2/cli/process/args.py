"""`au2 process args`."""

import json

import click

from au2.cli.arguments import latest_option, process_argument, version_option
from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.cells import Document, columns


def _default(document: Document) -> str | None:
    return json.dumps(document["default"], ensure_ascii=False) if "default" in document else None


def _values(document: Document) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in document["enum"])


_LIST = columns(
    "name", "type", "required", default=_default, values=_values, description="description"
)


@define(
    "args",
    examples=("au2 process args forecast", "au2 process args forecast --ver 3 -o json"),
    reads=True,
)
@process_argument
@version_option
@latest_option
def command(session: Session, process: str, *, version: int | None, latest: bool) -> None:
    """Show which arguments a process takes: what its args.schema.yml says.

    Without --ver it is about the version that a run would take.
    """
    if latest and version is not None:
        raise click.UsageError("Give --ver or --latest, not both.")
    from au2.cli.lookup import find_process_id
    from au2.client.runs.argument_schemas import get_argument_schema
    from au2.jsonschema.arguments import list_arguments

    process_id = find_process_id(session, process)
    schema = get_argument_schema(session.transport, process_id, version, latest=latest)
    found = [] if schema is None else list_arguments(schema)
    console = session.console
    console.show_list(_LIST, [argument.to_document() for argument in found])
    if schema is None:
        console.remark("The process says nothing about its arguments: it takes any JSON object.")
    elif not found:
        console.remark("The schema names no arguments. See it whole: au2 process version show")
