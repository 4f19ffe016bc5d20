"""Text files of a package: UTF-8, limited in size."""

from pathlib import Path

from au2.domain.errors import Detail, InvalidPackage
from au2.package.limits import TEXT_BYTES


def read_text(path: Path, name: str) -> str:
    """Return the text of the file at ``path``, called ``name`` in messages.

    Raises:
        InvalidPackage: too large, or not UTF-8.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        data = file.read(TEXT_BYTES + 1)
    if len(data) > TEXT_BYTES:
        message = f"the file is larger than {TEXT_BYTES // 1024} KiB"
        raise InvalidPackage(details=[Detail(message, file=name)])
    return decode_text(data, name)


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a file of a package; a byte order mark is dropped.

    Raises:
        InvalidPackage: it is not UTF-8; with the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = Detail("the file is not UTF-8", file=name, line=line)
        raise InvalidPackage(details=[detail]) from None
