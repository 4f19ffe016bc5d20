"""Local package: checked and listed for upload."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from au2.domain.accounts.context import Context
from au2.files.output import write_output
from au2.package import names
from au2.package.check import load_package_files
from au2.package.manifest import Manifest, context_key
from au2.package.process_ids import set_process_id
from au2.package.text import read_text
from au2.package.tree.entries import PackageFiles


class LoadedPackage(NamedTuple):
    """A valid package on disk."""

    directory: Path
    manifest: Manifest
    files: PackageFiles
    schemas: Mapping[str, dict[str, Any] | None]
    """File → schema; None: no file, or an empty one."""

    def process_id(self, context: Context) -> str | None:
        """Return the id in ``aunsight.yml`` for ``context``."""
        return self.manifest.processes.get(_key(context))

    def remember_process(self, context: Context, process_id: str) -> None:
        """Write the process's id for ``context`` into ``aunsight.yml``, if missing there."""
        if self.process_id(context) == process_id:
            return
        path = self.directory / names.MANIFEST
        text = set_process_id(read_text(path, names.MANIFEST), _key(context), process_id)
        write_output(path, text.encode())


def load_package(directory: Path) -> LoadedPackage:
    """Return the package in ``directory``, its files hashed once.

    Raises:
        InvalidPackage: with all violations.
    """
    found = load_package_files(directory)
    description = found.description
    schemas = {names.ARGS_SCHEMA: description.args_schema, names.OUT_SCHEMA: description.out_schema}
    return LoadedPackage(directory, description.manifest, found.files, schemas)


def _key(context: Context) -> str:
    return context_key(context.organization_id, context.project_id)
