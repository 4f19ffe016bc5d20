"""Reading a backup: every path is checked before anything is written."""

import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from au2.domain.errors import InvalidRequest, NotFound
from au2.server.backup.layout import DATABASE, DESCRIPTION, SETTINGS, is_part, list_stored
from au2.server.backup.targets import is_archive

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BackupFile = tuple[str, int, BinaryIO]
"""Path, size in bytes, and the content."""
_SINGLE = (DATABASE, SETTINGS, DESCRIPTION)


def list_backup_files(path: Path) -> Iterator[BackupFile]:
    """Yield the files of a backup one after another; each is read before the next is asked for.

    Raises:
        NotFound: there is nothing at ``path``, or it is no backup.
        InvalidRequest: it is damaged, or has a path that is in no backup.
    """
    if not path.exists():
        raise NotFound(f"There is no backup at '{path}'.")
    yield from (_list_archive(path) if path.is_file() else _list_folder(path))


@contextmanager
def as_damaged_backup() -> Iterator[None]:
    """Turn what the libraries say of a damaged archive, also while a file is read, into a sentence.

    Raises:
        InvalidRequest
    """
    try:
        yield
    except (tarfile.TarError, zstd.ZstdError, EOFError) as error:
        raise InvalidRequest(
            f"The archive is damaged or was not written to its end: {str(error).rstrip('.')}."
        ) from error


def _list_folder(root: Path) -> Iterator[BackupFile]:
    if not (root / DESCRIPTION).is_file():
        raise NotFound(
            f"'{root}' is no backup: it has no '{DESCRIPTION}'.",
            hint="Name the folder or file that 'au2-server backup --to' wrote to its end.",
        )
    for name in (*list_stored(root), *_SINGLE):
        path = root / name
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                yield name, path.stat().st_size, cast("BinaryIO", file)


def _list_archive(path: Path) -> Iterator[BackupFile]:
    with _opened(path) as archive:
        for entry in archive:
            if not entry.isreg() or not is_part(entry.name):
                raise InvalidRequest(
                    f"The archive '{path.name}' is no backup: it has an entry "
                    f"{entry.name[:100]!r}.",
                    hint="Name the file that 'au2-server backup --to' wrote.",
                )
            file = archive.extractfile(entry)
            assert file is not None  # noqa: S101 - a regular file
            yield entry.name, entry.size, cast("BinaryIO", file)


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    if not is_archive(path):
        raise InvalidRequest(f"'{path}' is no backup: its name ends in neither .tar nor .tar.zst.")
    if path.name.endswith(".zst"):
        with (
            zstd.ZstdFile(path, "rb") as raw,
            tarfile.open(fileobj=cast("BinaryIO", raw), mode="r|") as archive,
        ):
            yield archive
        return
    with tarfile.open(path, mode="r|") as archive:
        yield archive
