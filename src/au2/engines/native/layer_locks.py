"""Locks around unpacked layers, held by threads of any process.

The files of locks are never removed: so nobody can hold a lock on a file that is not there for
others.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_CLAIMS = "claims"
_LOOK_SECONDS = 0.05


@contextmanager
def unpacking_locked(
    locks: Path, name: str, check: Callable[[], None] | None = None
) -> Iterator[None]:
    """Be the only one to unpack the layer ``name``, or to clear up after who did.

    A few locks serve for all layers. Whoever holds one may unpack for minutes: ``check`` is called
    while that is waited for, and what it raises ends the waiting. Without it nobody waits.

    Raises:
        BlockingIOError: without ``check``, if it is held.
    """
    with _open(locks / name[:2]) as file:
        while not _try_lock(file, must=check is None):
            if check is not None:
                check()
            time.sleep(_LOOK_SECONDS)
        yield


@contextmanager
def claims_locked(locks: Path, *, removing: bool = False) -> Iterator[None]:
    """Claim layers beside others who do, or (``removing``) let nobody claim any."""
    with _open(locks / _CLAIMS) as file:
        fcntl.flock(file, fcntl.LOCK_EX if removing else fcntl.LOCK_SH)
        yield


def _open(path: Path) -> TextIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.open("w")


def _try_lock(file: TextIO, *, must: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if must:
            raise
        return False
    return True
