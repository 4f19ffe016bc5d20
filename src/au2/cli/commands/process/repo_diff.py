"""`au2 process repo diff`: a package's folder against the newest version with contents."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from au2.cli.command import Session, define
from au2.cli.commands.process.version_diff import (
    DIFFERENCES,
    format_contract_rows,
    format_file_row,
    format_runtime_rows,
)
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

    Only packaged, AVAILABLE versions count. Compared are files, the runtime that an upload would
    get, schemas (with changes marked as breaking callers), default environment and resources.
    Nothing of the package is sent.
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
        **_find_runtimes(session, base, package),
        "files": list(_compare_files(files, package.files.entries)),
        "schemas": list(_compare_schemas(base, package)),
        "environment": list(_compare_environment(base, package)),
        "resources": list(_compare_resources(base, package)),
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


def _find_runtimes(session: Session, base: "VersionView", package: "PackageOnDisk") -> Document:
    """Return the runtimes as :class:`au2.wire.process.VersionDiff` has them.

    Raises:
        NotFound: there is no runtime of this name, so an upload would be refused too.
    """
    from au2.cli.lookup import find_runtime_id
    from au2.client.resources.processes import Runtimes

    manifest = package.description.manifest
    runtime_id = find_runtime_id(session, manifest.runtime)
    version = manifest.runtime_version
    if version is None:
        version = Runtimes(session.transport).get_runtime(runtime_id).version
    return {
        "old_runtime": {"id": base.runtime, "version": base.runtime_version},
        "new_runtime": {"id": runtime_id, "version": version},
    }


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


def _compare_resources(base: "VersionView", package: "PackageOnDisk") -> Iterator[Document]:
    new = package.description.manifest.resources.stated()
    for difference in compare_mappings(base.resources or {}, new):
        yield difference._asdict()


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
    rows = [
        *format_runtime_rows(document),
        *map(format_file_row, document["files"]),
        *format_contract_rows(document),
    ]
    number = document["version"]
    if not rows:
        console.remark(f"The folder has no differences from version {number}.")
        return
    console.remark(f"From version {number} to the folder:")
    console.show_list(DIFFERENCES, rows)
