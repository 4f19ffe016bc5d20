"""Locks around unpacked layers, held by threads of any process.

The files of locks are never removed: so nobody can hold a lock on a file that is not there for
others.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLAIMS = "claims"


@contextmanager
def unpacking_locked(locks: Path, name: str, *, wait: bool = True) -> Iterator[None]:
    """Be the only one to unpack the layer ``name``, or to clear up after who did.

    A few locks serve for all layers. Raises BlockingIOError without ``wait`` if it is held.
    """
    with _locked(locks / name[:2], fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)):
        yield


@contextmanager
def claims_locked(locks: Path, *, removing: bool = False) -> Iterator[None]:
    """Claim layers beside others who do, or (``removing``) let nobody claim any."""
    with _locked(locks / _CLAIMS, fcntl.LOCK_EX if removing else fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, operation)
        yield
