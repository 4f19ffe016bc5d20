"""`au2 process repo diff`: a package's folder against the newest version with contents."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from au2.cli.command import Session, define
from au2.cli.commands.process.version_diff import DIFFERENCES, format_file_row, make_row
from au2.cli.options import complete_processes, package_argument
from au2.console.cells import Document
from au2.domain.difference import compare_mappings
from au2.domain.errors import NotFound
from au2.package.tree.entries import PackageEntry, mode_of

if TYPE_CHECKING:
    from au2.package.check import PackageOnDisk
    from au2.wire.process import VersionView


@define(
    "diff",
    examples=("au2 process repo diff", "au2 process repo diff forecast -o json"),
    reads=True,
)
@package_argument()
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="The process to compare with: GUID or name (else that of aunsight.yml).",
)
def command(session: Session, *, directory: Path, process: str | None) -> None:
    """Show the differences from the newest version with contents to a package's folder.

    Only packaged, AVAILABLE versions count. Compared are files, schemas (with changes marked as
    breaking callers) and default environment. Nothing of the package is sent.
    """
    from au2.cli.packages.package_context import find_manifest_process
    from au2.client.resources.processes import Versions
    from au2.package.check import load_package_files

    package = load_package_files(directory)
    process_id = (
        find_manifest_process(session, package.description.manifest)
        if process is None
        else session.find_process(process)
    )
    versions = Versions(session.transport)
    base = _find_base(versions.list_versions(process_id))
    files = versions.list_files(process_id, base.version)
    document: dict[str, Any] = {
        "process": process_id,
        "version": base.version,
        "files": list(_compare_files(files, package.files.entries)),
        "schemas": list(_compare_schemas(base, package)),
        "environment": list(_compare_environment(base, package)),
    }
    _show(session, document)


def _find_base(found: "list[VersionView]") -> "VersionView":
    packaged = [one for one in found if one.type == "packaged" and one.image_status == "AVAILABLE"]
    if not packaged:
        raise NotFound(
            "The process has no packaged version that is AVAILABLE yet.",
            hint="Upload this one with: au2 process repo upload",
        )
    return max(packaged, key=lambda version: version.version)


def _compare_files(old: "list[Any]", new: "tuple[Any, ...]") -> Iterator[Document]:
    """Yield documents like those of :class:`au2.wire.process.FileDifference`."""
    before, after = ({entry.path: entry for entry in entries} for entries in (old, new))
    keys = [{path: _key(entry) for path, entry in entries.items()} for entries in (before, after)]
    for difference in compare_mappings(*keys):
        path = difference.name
        one, other = before.get(path), after.get(path)
        is_folder = all(entry is None or entry.type == "folder" for entry in (one, other))
        yield {
            "path": f"{path}/" if is_folder else path,
            "change": difference.change,
            "old_size_bytes": _size_of(one),
            "new_size_bytes": _size_of(other),
            "mode_only": one is not None and other is not None and _key(one)[:3] == _key(other)[:3],
            "old_mode": _format_mode(one),
            "new_mode": _format_mode(other),
        }


def _key(entry: PackageEntry) -> tuple[str, str, str, str | None]:
    return entry.type, entry.sha256, entry.target, _format_mode(entry)


def _size_of(entry: PackageEntry | None) -> int | None:
    return None if entry is None or entry.type == "folder" else entry.size_bytes


def _format_mode(entry: PackageEntry | None) -> str | None:
    return None if entry is None or entry.type == "link" else f"{mode_of(entry):04o}"


def _compare_schemas(base: "VersionView", package: "PackageOnDisk") -> Iterator[Document]:
    from au2.jsonschema.compare import compare_schemas

    description = package.description
    changes = {
        "arguments": compare_schemas(base.args_schema, description.args_schema, "arguments"),
        "output": compare_schemas(base.out_schema, description.out_schema, "output"),
    }
    for schema_of, found in changes.items():
        for change in found:
            yield {"schema_of": schema_of, **change._asdict()}


def _compare_environment(base: "VersionView", package: "PackageOnDisk") -> Iterator[Document]:
    old, new = (
        {name: _format_variable(value) for name, value in values.items()}
        for values in (base.environment or {}, package.description.environment)
    )
    for difference in compare_mappings(old, new):
        yield difference._asdict()


def _format_variable(value: str | Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    return " ".join(f"{kind} {name}" for kind, name in value.items())


def _show(session: Session, document: dict[str, Any]) -> None:
    console = session.console
    if console.makes_document:
        console.show_document(document)
        return
    rows = [format_file_row(item) for item in document["files"]]
    for item in document["schemas"]:
        change = "breaks callers" if item["breaks"] else "compatible"
        rows.append(make_row(item["schema_of"], item["pointer"], change, None, item["message"]))
    for item in document["environment"]:
        rows.append(make_row("environment", *item.values()))
    number = document["version"]
    if not rows:
        console.remark(f"The folder has no differences from version {number}.")
        return
    console.remark(f"From version {number} to the folder:")
    console.show_list(DIFFERENCES, rows)
