"""`au2 process version`: versions of a process, each with one image."""

from collections.abc import Callable
from pathlib import Path

import click

from au2.cli.command import define
from au2.cli.options import process_argument, version_argument
from au2.cli.session import Session
from au2.console.cells import Document, columns
from au2.console.commands import Group
from au2.console.documents import format_yaml
from au2.console.parameters import PathType
from au2.wire.documents import format_document

command = Group(
    "version",
    help="Versions of a process. Each has one image, which never changes.",
    summaries={
        "upload": "Upload an image into an empty image version.",
        "diff": "Show what differs between two versions.",
        "download": "Download an image, or the source of a package.",
    },
    addresses={
        "upload": "au2.cli.commands.process.version_upload:command",
        "diff": "au2.cli.commands.process.version_diff:command",
        "download": "au2.cli.commands.process.version_download:command",
    },
)


def _published(document: Document) -> str:
    if document["published_at"] is None:
        return ""
    return f"{document['published_at']} by {document['published_by']}"


def _schema(field: str) -> Callable[[Document], str | None]:
    def get(document: Document) -> str | None:
        found = document[field]
        # As it stands in the package's file, but for its comments.
        return None if found is None else format_yaml(found).rstrip("\n")

    return get


def _dependencies(document: Document) -> str | None:
    found = document["dependencies"]
    if found is None:
        return None
    installed = [f"{package['name']} {package['version']}" for package in found["packages"]]
    present = [f"{name} {version} (runtime)" for name, version in found["from_runtime"].items()]
    return "\n".join(sorted(installed + present))


def _environment(document: Document) -> str | None:
    found = document["environment"]
    return format_yaml(found).rstrip("\n") if found else None


_LIST = columns("id", "description", "image_status", published=_published)


_CREATED = columns("type", "id")


_RECORD = columns(
    "process",
    "id",
    "type",
    "description",
    "image_status",
    "image_digest",
    published=_published,
    created_at="created_at",
    created_by="created_by",
    runtime="runtime",
    runtime_version="runtime_version",
    upload_job="upload_job",
    dependencies=_dependencies,
    environment=_environment,
    args_schema=_schema("args_schema"),
    out_schema=_schema("out_schema"),
)


_FILE = PathType(exists=True, dir_okay=False, path_type=Path)


@define(
    "create",
    group=command,
    examples=(
        "au2 process version create forecast",
        'au2 process version create forecast --description "with the new model"',
        "au2 process version create forecast --args-schema args.schema.yml --env env.yml",
    ),
    reads=True,
)
@process_argument
@click.option("--description", metavar="D", default="", help="What is new in it.")
@click.option(
    "--args-schema",
    metavar="F",
    type=_FILE,
    help="What arguments it takes: JSON Schema in YAML, as args.schema.yml of a package.",
)
@click.option(
    "--out-schema",
    metavar="F",
    type=_FILE,
    help="What its output is like, as out.schema.yml of a package.",
)
@click.option(
    "--env",
    metavar="F",
    type=_FILE,
    help="Default environment variables and secrets, as env.yml of a package.",
)
def create(
    session: Session,
    *,
    process: str,
    description: str,
    args_schema: Path | None,
    out_schema: Path | None,
    env: Path | None,
) -> None:
    """Create an empty version that waits for an image of your own.

    Arguments, output and environment of its runs are then checked and filled in as those of a
    package; they can't be changed later. For a package this command is not needed: `au2 process
    repo upload` creates the version.
    """
    from au2.cli.lookup import find_process_id
    from au2.cli.packages.package_remarks import remark_on_schemas
    from au2.client.resources.processes import Versions
    from au2.package.contract_files import ContractFiles, read_contract
    from au2.wire.process import VersionCreation
    from au2.wire.violations import build

    contract = read_contract(ContractFiles(args_schema, out_schema, env))
    schemas = {str(args_schema): contract.args_schema, str(out_schema): contract.out_schema}
    remark_on_schemas(session.console, schemas)
    process_id = find_process_id(session, process)
    creation = build(VersionCreation, description=description, **contract._asdict())
    made = Versions(session.transport).create_version(process_id, creation)
    session.console.show_record(_CREATED, format_document(made))


@define("list", group=command, examples=("au2 process version list forecast",), reads=True)
@process_argument
def list_versions(session: Session, process: str) -> None:
    """List the versions of a process. PROCESS is a GUID, or a name unique in the context."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    found = Versions(session.transport).list_versions(find_process_id(session, process))
    session.console.show_list(_LIST, [format_document(item) for item in found])


@define("show", group=command, examples=("au2 process version show forecast 3",), reads=True)
@process_argument
@version_argument()
def show(session: Session, process: str, number: int) -> None:
    """Show version N of a process."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    process_id = find_process_id(session, process)
    found = Versions(session.transport).get_version(process_id, number)
    session.console.show_record(_RECORD, format_document(found))


@define("publish", group=command, examples=("au2 process version publish forecast 3",))
@process_argument
@version_argument()
def publish(session: Session, process: str, number: int) -> None:
    """Publish version N: runs take the newest published version by default."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    Versions(session.transport).publish(find_process_id(session, process), number)
    session.console.remark(f"Version {number} is published.")


@define("unpublish", group=command, examples=("au2 process version unpublish forecast 3",))
@process_argument
@version_argument()
def unpublish(session: Session, process: str, number: int) -> None:
    """Take the publication of version N back."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    Versions(session.transport).unpublish(find_process_id(session, process), number)
    session.console.remark(f"Version {number} is not published any more.")


@define("delete", group=command, examples=("au2 process version delete forecast 3 --yes",))
@process_argument
@version_argument()
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, process: str, number: int, yes: bool) -> None:
    """Delete version N. Its number is not used again. A published version can't be deleted."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Versions

    process_id = find_process_id(session, process)
    if not yes:
        session.console.confirm(f"Delete version {number} of process {process}?")
    Versions(session.transport).delete_version(process_id, number)
    session.console.remark(f"Version {number} is deleted.")
