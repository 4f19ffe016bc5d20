"""Errors of unwritable files, as errors of au2."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from au2.domain.errors import Au2Error, StorageFull

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def convert_file_errors(path: Path) -> Iterator[None]:
    """Convert an OSError into an error with the name of ``path``.

    While a response is read, an OSError would pass for an error of the connection.

    Raises:
        StorageFull: the disk is full, or the user's quota.
        Au2Error: any other OSError.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        kind = StorageFull if error.errno in _FULL else Au2Error
        raise kind(f"'{path}' can't be written: {why}.") from error
