"""Files that can't be written, told as what they are while a connection is open."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from au2.domain.errors import Au2Error


@contextmanager
def convert_file_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into the error of this tree that names ``path``.

    While an answer is read, an OSError would be taken for the connection's.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise Au2Error(f"'{path}' can't be written: {why}.") from error
