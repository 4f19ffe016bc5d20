"""Packages on disk: `au2 process repo check`, with all errors at once, and packages read whole."""

from pathlib import Path
from typing import NamedTuple

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.jobs.container_contract import Language
from au2.package.description import PackageDescription, ReadFile, describe_package
from au2.package.tree.entries import PackageEntry, PackageFiles
from au2.package.tree.paths import DEFAULT_LIMITS, PackageLimits
from au2.package.tree.scan import find_files, scan_package


def read_from(directory: Path) -> ReadFile:
    """Return the reader of a package's files on disk."""

    def read(entry: PackageEntry) -> bytes:
        return (directory / entry.path).read_bytes()

    return read


class PackageCheck(NamedTuple):
    """Result of a check: errors, remarks and files."""

    errors: list[Detail]
    """With file and line as far as there are any."""
    files: PackageFiles
    description: PackageDescription | None = None
    """Of a package without errors."""


def inspect_package(
    directory: Path, *, limits: PackageLimits = DEFAULT_LIMITS, language: Language | None = None
) -> PackageCheck:
    """Return all errors in the package, and its files."""
    files, errors = find_files(directory, limits=limits)
    if not files.entries:
        return PackageCheck(errors, files)

    description = None
    try:
        description = describe_package(files.entries, read_from(directory), language=language)
    except InvalidPackage as error:
        told = {(detail.file, detail.message) for detail in errors}
        errors += [d for d in error.details if (d.file, d.message) not in told]
    return PackageCheck(errors, files, None if errors else description)


class PackageOnDisk(NamedTuple):
    """A package without errors."""

    directory: Path
    files: PackageFiles
    description: PackageDescription


def load_package_files(directory: Path) -> PackageOnDisk:
    """Return the package in ``directory``, its files hashed once.

    Raises:
        InvalidPackage: with all errors.
    """
    try:
        files = scan_package(directory)
        return PackageOnDisk(
            directory, files, describe_package(files.entries, read_from(directory))
        )
    except InvalidPackage as error:
        # Each step stops at its own errors; the check gathers those of all of them.
        raise InvalidPackage(details=inspect_package(directory).errors or error.details) from error
