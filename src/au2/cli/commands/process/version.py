"""`au2 process version`: versions of a process, each with one image."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import process_argument, version_argument, yes_option
from au2.cli.packages.package_context import (
    VersionWords,
    find_process,
    own_process_argument,
    version_words,
)
from au2.console.cells import Document, columns
from au2.console.commands import Group
from au2.console.documents import format_yaml
from au2.console.parameters import PathType
from au2.domain.clock import now, parse_time
from au2.domain.errors import NotFound
from au2.domain.wording import format_age
from au2.wire.documents import format_document

if TYPE_CHECKING:
    from au2.client.resources.processes import Versions

command = Group(
    "version",
    help="Versions of a process. Each has one image, which never changes.",
    summaries={
        "diff": "Show the differences between two versions.",
        "download": "Download an image, or the source of a package.",
        "upload": "Upload the image of an empty image version.",
    },
    addresses={
        "diff": "au2.cli.commands.process.version_diff:command",
        "download": "au2.cli.commands.process.version_download:command",
        "upload": "au2.cli.commands.process.version_upload:command",
    },
)


def _calls(session: Session) -> "Versions":
    from au2.client.resources.processes import Versions

    return Versions(session.transport)


def _published(document: Document) -> str:
    """Return when and by whom; ``-o json`` has the exact time."""
    if document["published_at"] is None:
        return ""
    age = format_age(parse_time(document["published_at"]), now())
    return f"{age} by {document['published_by']}"


def _as_yaml(value: object) -> str | None:
    """Return the content of a package's file, without the comments."""
    return None if value is None else format_yaml(value).rstrip("\n")


def _dependencies(document: Document) -> str | None:
    found = document["dependencies"]
    if found is None:
        return None
    debian = (found.get("debian") or {}).get("packages", [])
    installed = [f"{package['name']} {package['version']}" for package in found["packages"]]
    installed += [f"{package['name']} {package['version']} (Debian)" for package in debian]
    present = [f"{name} {version} (runtime)" for name, version in found["from_runtime"].items()]
    return "\n".join(sorted(installed + present))


_LIST = columns(
    id="version", description="description", image_status="image_status", published=_published
)
_CREATED = columns(type="type", id="version")
_RECORD = columns(
    process="process",
    id="version",
    type="type",
    description="description",
    image_status="image_status",
    image_digest="image_digest",
    published=_published,
    created_at="created_at",
    created_by="created_by",
    runtime="runtime",
    runtime_version="runtime_version",
    upload_job="upload_job",
    dependencies=_dependencies,
    environment=lambda document: _as_yaml(document["environment"] or None),
    args_schema=lambda document: _as_yaml(document["args_schema"]),
    out_schema=lambda document: _as_yaml(document["out_schema"]),
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
@click.option("--description", metavar="D", default="", help="The news in this version.")
@click.option(
    "--args-schema",
    metavar="F",
    type=_FILE,
    help="Schema of the arguments: JSON Schema in YAML, like args.schema.yml of a package.",
)
@click.option(
    "--out-schema",
    metavar="F",
    type=_FILE,
    help="Schema of the output, like out.schema.yml of a package.",
)
@click.option(
    "--env",
    metavar="F",
    type=_FILE,
    help="Default environment variables and secrets, like env.yml of a package.",
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
    """Create an empty version for an image of your own.

    Arguments, output and environment of its runs are then checked and filled in like those of a
    package; they can't be changed later. For a package this command is not needed: `au2 process
    repo upload` creates the version.
    """
    from au2.cli.packages.package_remarks import remark_on_schemas
    from au2.package.contract_files import ContractFiles, read_contract
    from au2.wire.process import VersionCreation
    from au2.wire.violations import build

    contract = read_contract(ContractFiles(args_schema, out_schema, env))
    schemas = {str(args_schema): contract.args_schema, str(out_schema): contract.out_schema}
    remark_on_schemas(session.console, schemas)
    process_id = session.find_process(process)
    creation = build(VersionCreation, description=description, **contract._asdict())
    session.show(_CREATED, _calls(session).create_version(process_id, creation))


@define(
    "list",
    group=command,
    examples=("au2 process version list forecast", "au2 process version list"),
    reads=True,
)
@own_process_argument
def list_versions(session: Session, process: str | None) -> None:
    """List the versions of a process. PROCESS is a GUID, or a name unique in the context.

    Without PROCESS, of the process of the aunsight.yml in the current folder.
    """
    session.show_all(_LIST, _calls(session).list_versions(find_process(session, process)))


@define(
    "show",
    group=command,
    examples=("au2 process version show forecast 3", "au2 process version show"),
    reads=True,
)
@version_words("[N]")
def show(session: Session, words: VersionWords) -> None:
    """Show version N of a process, by default the newest.

    Without PROCESS, of the process of the aunsight.yml in the current folder.
    """
    process_id = find_process(session, words.process)
    if words.given:
        session.show(_RECORD, _calls(session).get_version(process_id, words.given[0]))
        return
    found = _calls(session).list_versions(process_id)
    if not found:
        raise NotFound(
            "The process has no version yet.", hint="Upload a package: au2 process repo upload"
        )
    session.show(_RECORD, max(found, key=lambda version: version.version))


@define(
    "update",
    group=command,
    examples=(
        'au2 process version update forecast 3 --description "with the new model"',
        'au2 process version update 3 --description "with the new model"',
    ),
    reads=True,
)
@version_words("N")
@click.option(
    "--description", metavar="D", required=True, help="The news in this version, in Markdown."
)
def update(session: Session, words: VersionWords, description: str) -> None:
    """Change the description of version N.

    Without PROCESS, of the process of the aunsight.yml in the current folder.
    """
    from au2.wire.process import VersionUpdate
    from au2.wire.violations import build

    update = build(VersionUpdate, description=description)
    number = words.require_number()
    process_id = find_process(session, words.process)
    session.show(_RECORD, _calls(session).update_version(process_id, number, update))


@define(
    "publish",
    group=command,
    examples=("au2 process version publish forecast 3", "au2 process version publish 3"),
)
@version_words("N")
def publish(session: Session, words: VersionWords) -> None:
    """Publish version N: runs take the newest published version by default.

    Without PROCESS, of the process of the aunsight.yml in the current folder. Without N, a question
    proposes the newest AVAILABLE version.
    """
    from au2.client.resources.versions import DEFAULT, get_version

    console = session.console
    if words.given or not console.can_ask:
        number = words.require_number()
        process_id = find_process(session, words.process)
    else:
        process_id = find_process(session, words.process)
        number = get_version(session.transport, process_id, DEFAULT, latest=True).version
        console.confirm(f"Publish version {number}, the newest that is AVAILABLE?")
    made = _calls(session).publish(process_id, number)
    console.report(f"Version {number} is published.", format_document(made))


@define(
    "unpublish",
    group=command,
    examples=("au2 process version unpublish forecast 3", "au2 process version unpublish 3"),
)
@version_words("N")
def unpublish(session: Session, words: VersionWords) -> None:
    """Unpublish version N.

    Without PROCESS, of the process of the aunsight.yml in the current folder.
    """
    number = words.require_number()
    made = _calls(session).unpublish(find_process(session, words.process), number)
    told = f"Version {number} is not published any more."
    session.console.report(told, format_document(made))


@define("delete", group=command, examples=("au2 process version delete forecast 3 --yes",))
@process_argument
@version_argument()
@yes_option
def delete(session: Session, process: str, number: int, yes: bool) -> None:
    """Delete version N. Its number is not used again. A published version can't be deleted."""
    process_id = session.find_process(process)
    if not yes:
        session.console.confirm(f"Delete version {number} of process {process}?")
    _calls(session).delete_version(process_id, number)
    done = {"process": process_id, "version": number, "deleted": True}
    session.console.report(f"Version {number} is deleted.", done)
