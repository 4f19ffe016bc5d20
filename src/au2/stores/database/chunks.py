"""Many values for one query: databases limit how many it may have."""

from collections.abc import Iterable, Iterator

_CHUNK = 500


def in_chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield the values in lists that one query takes."""
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]
