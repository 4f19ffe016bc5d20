"""What an error of the operating system means for the caller."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from au2.domain.errors import EngineFailure, StorageFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: OSError) -> bool:
    """Whether there was no room on a disk."""
    return error.errno in _FULL


@contextmanager
def as_engine_failure(doing: str) -> Iterator[None]:
    """Turn an OSError inside the block into StorageFull or EngineFailure.

    Args:
        doing: what was tried, for the message: "unpack a layer".
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull from error
        raise EngineFailure(f"could not {doing}: {error}") from error
