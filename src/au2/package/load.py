"""A package on disk, read whole."""

from pathlib import Path
from typing import NamedTuple

from au2.domain.errors import InvalidPackage
from au2.package.check import check_package, read_from
from au2.package.description import PackageDescription, describe_package
from au2.package.tree.entries import PackageFiles
from au2.package.tree.scan import scan_package


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
        # Each step stops at its own mistakes; the check gathers those of all of them.
        raise InvalidPackage(details=check_package(directory) or error.details) from error
