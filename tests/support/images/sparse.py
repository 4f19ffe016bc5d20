"""Sparse files in archives: as GNU tar writes them, and with maps that mean no good."""

import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.images.image_making import Layer

FORMS = ("0.0", "0.1", "1.0")
Parts = Sequence[tuple[int, bytes]]
"""Offsets and what is there; all else is a hole."""


def write_sparse(path: Path, parts: Parts, size: int) -> bytes:
    """Write a file with holes; return what is in it."""
    content = bytearray(size)
    with path.open("wb") as file:
        for offset, data in parts:
            os.pwrite(file.fileno(), data, offset)
            content[offset : offset + len(data)] = data
        file.truncate(size)
    return bytes(content)


def gnu_tar(folder: Path, form: str) -> bytes:
    """Return the archive of a folder that GNU tar writes, with sparse files in this form."""
    return subprocess.run(
        [
            *("tar", "--format=pax", "-S", "--hole-detection=raw", f"--sparse-version={form}"),
            *("-C", folder, "-c", "."),
        ],
        check=True,
        capture_output=True,
    ).stdout


def map_block(numbers: Sequence[object]) -> bytes:
    """Return a map of the form 1.0, as the content of a file begins with."""
    text = "".join(f"{number}\n" for number in numbers).encode()
    return text + bytes(-len(text) % 512)


def sparse_layer(
    records: Mapping[str, str], content: bytes = b"", kind: bytes = tarfile.REGTYPE
) -> bytes:
    """Return a layer of one file ``f`` with these records of ``GNU.sparse.`` in its header."""
    headers = {f"GNU.sparse.{key}": value for key, value in records.items()}
    return Layer().add("f", kind, content=content, pax_headers=headers).data()


def form_0_1(numbers: Sequence[object], size: object, content: bytes, **more: str) -> bytes:
    """Return a layer with a map in the header."""
    text = ",".join(map(str, numbers))
    count = str(len(numbers) // 2)
    return sparse_layer({"size": str(size), "numblocks": count, "map": text, **more}, content)


def form_1_0(numbers: Sequence[object], size: object, content: bytes, **more: str) -> bytes:
    """Return a layer with a map before the content."""
    records = {"major": "1", "minor": "0", "realsize": str(size), **more}
    return sparse_layer(records, map_block(numbers) + content)
