"""File lists of packages: check, and search for missing contents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from au2.domain.context import Context
from au2.domain.errors import Detail, InvalidPackage, TooLarge
from au2.domain.wording import format_bytes_apart
from au2.package.tree.entries import PackageEntry
from au2.package.tree.paths import MOST_MISTAKES, PackageLimits, validate_paths
from au2.stores.content.protocol import Provider
from au2.stores.database.content import contents
from au2.stores.database.database import Database


def check_file_list(files: Sequence[PackageEntry], limits: PackageLimits) -> Mapping[str, int]:
    """Return the size of every content by its sha256, in the order of the list.

    Raises:
        TooLarge: too many files or bytes.
        InvalidPackage: with every mistake.
    """
    total_bytes = sum(entry.size_bytes for entry in files)
    if len(files) > limits.files:
        raise TooLarge(f"The package has {len(files)} files; at most {limits.files} are taken.")
    if total_bytes > limits.total_bytes:
        found, most = format_bytes_apart(total_bytes, limits.total_bytes)
        raise TooLarge(
            f"The package has {found}; at most {most} are taken.",
            hint="Leave out what is not needed by naming it in .auignore.",
        )
    mistakes = validate_paths(files, limits=limits) or _find_size_mistakes(files)
    if mistakes:
        raise InvalidPackage("The file list has mistakes.", details=mistakes[: MOST_MISTAKES + 1])
    return {entry.sha256: entry.size_bytes for entry in files if entry.type == "file"}


def _find_size_mistakes(files: Sequence[PackageEntry]) -> list[Detail]:
    """Equal contents with different sizes."""
    known: dict[str, int] = {}
    mistakes: list[Detail] = []
    for entry in files:
        if entry.type != "file":
            continue
        if known.setdefault(entry.sha256, entry.size_bytes) != entry.size_bytes:
            mistakes.append(Detail("the size is not that of the content", file=entry.path))
    return mistakes


def stored_contents(files: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The same as :func:`check_file_list` returned, from a list that was stored."""
    return {entry["sha256"]: entry["size_bytes"] for entry in files if entry["type"] == "file"}


def find_lacking(
    database: Database, blobs: Provider, context: Context, expected: Mapping[str, int]
) -> list[str]:
    """The sha256 of contents that must be sent, in the order of the list.

    Those that are not known in the context of the process, or that are gone.

    Raises:
        InvalidPackage: a content that was sent has another size than the list states.
    """
    with database.read() as transaction:
        sent = contents.find_contents(transaction, context, expected)
    if any(sent.get(sha256, size_bytes) != size_bytes for sha256, size_bytes in expected.items()):
        raise InvalidPackage("The file list states a size that is not that of the content.")
    return [
        sha256 for sha256 in expected if sha256 not in sent or not blobs.lease(f"sha256:{sha256}")
    ]
