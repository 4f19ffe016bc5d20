"""Comparison of two versions of a process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from au2.app.lookup import find_version_upload, get_process, get_version
from au2.app.versions.choice import ensure_available
from au2.domain.accounts.identity import Action, Actor
from au2.domain.difference import Difference, compare_mappings
from au2.domain.processes.upload import PackageUpload
from au2.domain.processes.version import Version, VersionType
from au2.jsonschema.compare import SchemaChange, compare_schemas
from au2.stores.database.database import Database, Transaction

FileDocument = Mapping[str, Any]
"""A document of ``contract.upload.FileEntry``."""


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """All differences between two versions."""

    old: Version
    new: Version
    files: Sequence[Difference] | None
    """By path; old and new are file documents. None: the files of one of them are not known."""
    dependencies: Sequence[Difference]
    debian: Sequence[Difference]
    """Debian packages."""
    arguments: Sequence[SchemaChange]
    output: Sequence[SchemaChange]
    environment: Sequence[Difference]
    resources: Sequence[Difference]


class VersionDiffs:
    """Compares versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def compare(self, actor: Actor, process_id: str, old: int, new: int) -> VersionComparison:
        """Compare two versions of one process.

        Raises:
            NotFound: there is no such version.
            Conflict: a packaged version is not AVAILABLE; values that its build reads from the
                package (schemas, environment, dependencies) would seem to be removed.
        """
        with self._database.read() as transaction:
            process = get_process(transaction, actor, Action.VIEW_PROCESS, process_id)
            before = get_version(transaction, process, old)
            after = get_version(transaction, process, new)
            for version in (before, after):
                if version.type is VersionType.PACKAGED:
                    ensure_available(process, version)
            old_files, new_files = _find_files(transaction, before), _find_files(transaction, after)
        files = None
        if old_files is not None and new_files is not None:
            files = compare_mappings(old_files, new_files)
        return VersionComparison(
            old=before,
            new=after,
            files=files,
            dependencies=compare_mappings(_dependencies(before), _dependencies(after)),
            debian=compare_mappings(_debian_packages(before), _debian_packages(after)),
            arguments=compare_schemas(before.args_schema, after.args_schema, "arguments"),
            output=compare_schemas(before.out_schema, after.out_schema, "output"),
            environment=compare_mappings(before.environment or {}, after.environment or {}),
            resources=compare_mappings(before.resources or {}, after.resources or {}),
        )


def _find_files(transaction: Transaction, version: Version) -> dict[str, FileDocument] | None:
    upload = find_version_upload(transaction, version)
    if upload is None:
        return None
    # Lists that were stored before modes were kept have none.
    files = upload.files if isinstance(upload, PackageUpload) else ()
    return {file["path"]: {"mode": "", **file} for file in files}


def _dependencies(version: Version) -> dict[str, str]:
    return _versions_of(version.dependencies or {})


def _debian_packages(version: Version) -> dict[str, str]:
    return _versions_of((version.dependencies or {}).get("debian") or {})


def _versions_of(lock: Mapping[str, Any]) -> dict[str, str]:
    return {package["name"]: package["version"] for package in lock.get("packages", [])}
