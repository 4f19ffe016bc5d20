"""An image of several gigabytes, written while it is read: no disk need hold it."""

import hashlib
import json
import random
import tarfile
from collections.abc import Iterator
from typing import IO

_BLOCK_BYTES = 1 << 20
_END_BYTES = 2 * tarfile.BLOCKSIZE


def write_huge_archive(out: IO[bytes], layers: int, layer_bytes: int) -> None:
    """Write what ``docker save`` of Docker 20.10 writes: layers first, what they are at the end.

    ``layer_bytes`` is a whole number of MiB.
    """
    diff_ids = []
    for number in range(layers):
        out.write(_header(f"{number}/layer.tar", tarfile.BLOCKSIZE + layer_bytes + _END_BYTES))
        found = hashlib.sha256()
        for piece in _layer(number, layer_bytes):
            found.update(piece)
            out.write(piece)
        diff_ids.append(f"sha256:{found.hexdigest()}")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    paths = [f"{number}/layer.tar" for number in range(layers)]
    _write_json(out, "config.json", config)
    manifest = {"Config": "config.json", "RepoTags": ["bench/huge:1"], "Layers": paths}
    _write_json(out, "manifest.json", [manifest])
    out.write(bytes(_END_BYTES))


def _layer(number: int, layer_bytes: int) -> Iterator[bytes]:
    """A layer of one file: the same random block again and again, which nothing compresses."""
    yield _header(f"part-{number}", layer_bytes)
    block = random.Random(number).randbytes(_BLOCK_BYTES)
    for _ in range(layer_bytes // _BLOCK_BYTES):
        yield block
    yield bytes(_END_BYTES)


def _header(name: str, size_bytes: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size_bytes, 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)


def _write_json(out: IO[bytes], name: str, document: object) -> None:
    data = json.dumps(document).encode()
    out.write(_header(name, len(data)) + data + bytes(-len(data) % tarfile.BLOCKSIZE))
