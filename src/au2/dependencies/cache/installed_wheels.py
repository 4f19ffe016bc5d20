"""Cache of installed wheels: the next installation with the same wheel takes its files from here.

An installed wheel holds the files that the wheel's own archive states, and the modules compiled
from them; wheels beside it have no part in it (:mod:`au2.dependencies.python.split`).
"""

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from au2.dependencies.cache.file_cache import FileCache
from au2.dependencies.python.index_page import ListedFile
from au2.oci.streams import open_slice
from au2.oci.tar.paths import clean_path
from au2.oci.tar.writer import EXECUTABLE_MODE, LayerEntry, file_entry

_FORMAT = 1
_MOST_BYTES = 1 << 30
"""Larger wheels are not kept: they would push too many others out."""
_CHUNK_BYTES = 1 << 20


class ChosenWheel(NamedTuple):
    """The one of a project's files that the installer takes."""

    filename: str
    sha256: str


class InstalledWheel(NamedTuple):
    """Files of a wheel after its installation, as layer entries."""

    entries: list[LayerEntry]
    digests: Mapping[str, str]
    """SHA-256 of every file, by path."""


@dataclass(frozen=True, slots=True)
class InstalledWheels:
    """Installed wheels that one installation may use, and may add to."""

    cache: FileCache
    scopes: tuple[str, ...]
    """Runtime and tool; with the context, for wheels of one context. Additions go to the last."""
    prefix: str
    """Folder of the installation in an image."""
    folder: Path
    """Folder with hard links to the wheels in use, so that pruning does not remove them."""

    def find_chosen(self, files: list[ListedFile]) -> ChosenWheel | None:
        """Return the file that was taken when the same files were offered before."""
        if len(files) == 1 and files[0].sha256 is not None:
            return ChosenWheel(files[0].filename, files[0].sha256)
        for scope in self.scopes:
            data = self.cache.read("choices", _key(scope, *_describe(files)))
            chosen = None if data is None else data.decode()
            for file in files:
                if file.sha256 is not None and file.sha256 == chosen:
                    return ChosenWheel(file.filename, file.sha256)
        return None

    def find(self, wheel_sha256: str) -> InstalledWheel | None:
        """Return an installed wheel; None: it must be installed."""
        for scope in self.scopes:
            data = self.cache.read("piece", _key(scope, wheel_sha256))
            piece = None if data is None else self._open(json.loads(data))
            if piece is not None:
                return piece
        return None

    def keep(self, choice: ChosenWheel, files: list[ListedFile], piece: InstalledWheel) -> None:
        """Add an installed wheel. Raises StorageFull."""
        if sum(entry.size for entry in piece.entries) > _MOST_BYTES:
            return
        content = self.cache.add("pieces", _read(piece.entries))
        document = {
            "content": content.name,
            "files": [
                (entry.path, entry.size, piece.digests[entry.path], entry.mode == EXECUTABLE_MODE)
                for entry in piece.entries
            ],
        }
        scope = self.scopes[-1]
        self.cache.put("piece", _key(scope, choice.sha256), json.dumps(document).encode())
        if len(files) > 1:
            self.cache.put("choices", _key(scope, *_describe(files)), choice.sha256.encode())

    def _open(self, document: Mapping[str, Any]) -> InstalledWheel | None:
        found = self.cache.find("pieces", document["content"])
        held = self.folder / uuid.uuid4().hex
        try:
            os.link(found or "", held)
        except OSError:
            return None
        entries, digests, begin = [], {}, 0
        for path, size, digest, executable in document["files"]:
            if not path.startswith(f"{self.prefix}/") or clean_path(path) != path:
                return None
            opened = partial(open_slice, held, begin, size)
            entries.append(file_entry(path, size, opened, executable=executable))
            digests[path] = digest
            begin += size
        return InstalledWheel(entries, digests)


def _key(*parts: str) -> str:
    return sha256(json.dumps([_FORMAT, *parts]).encode()).hexdigest()


def _describe(files: Iterable[ListedFile]) -> Iterator[str]:
    """Yield everything that the choice of a file depends on."""
    for file in files:
        yield json.dumps([file.filename, file.sha256, file.requires_python, file.yanked])


def _read(entries: Iterable[LayerEntry]) -> Iterator[bytes]:
    for entry in entries:
        if entry.open is not None:
            with entry.open() as stream:
                yield from iter(partial(stream.read, _CHUNK_BYTES), b"")
