"""What the operating system says, in the words of the house."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from au2.domain.errors import StorageFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_HINT = "Make room on the server's disk, then try again; nothing was kept of what did not fit."


@contextmanager
def translated_faults() -> Iterator[None]:
    """Turn "no space left" and "quota exceeded" into StorageFull; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(hint=_HINT) from error
        raise
