"""Installed wheels: their cache, and the division of an installation into its wheels.

An installed wheel holds the files stated by the wheel's own archive, and modules compiled from
these files. Other wheels of the installation have no part in an installed wheel: it is given to
every later installation of the same wheel.
"""

import base64
import binascii
import csv
import json
import os
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from au2.dependencies.file_cache import FileCache
from au2.dependencies.python.index_page import ListedFile, PackageFile
from au2.dependencies.python.wheel import (
    DOCUMENT_BYTES,
    InstallScheme,
    InvalidWheel,
    WheelLayout,
    open_wheel,
    parse_record,
)
from au2.oci.streams import open_slice
from au2.oci.tar.paths import clean_path, parent_paths
from au2.oci.tar.writer import EXECUTABLE_MODE, EntryType, LayerEntry, file_entry

_FORMAT = 1
_MOST_BYTES = 1 << 30
"""Larger wheels are not kept: they would push too many others out."""
_CHUNK_BYTES = 1 << 20
_CACHE = "__pycache__"
_NOTES = frozenset({"REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"})
"""Files that the build container's driver removes."""
_INSTALLER = "uv"


class InstalledWheel(NamedTuple):
    """Files of a wheel after its installation, as layer entries."""

    entries: list[LayerEntry]
    digests: Mapping[str, str]
    """SHA-256 of every file, by path."""


@dataclass(frozen=True, slots=True)
class InstalledWheels:
    """Cache of installed wheels, as far as one installation may read and extend it."""

    cache: FileCache
    scopes: tuple[str, ...]
    """Runtime and tool; with the context, for wheels of one context. Additions go to the last."""
    prefix: str
    """Folder of the installation in an image."""
    folder: Path
    """Folder with hard links to the wheels in use, so that pruning does not remove them."""

    def find_chosen(self, files: list[ListedFile]) -> PackageFile | None:
        """Return the file chosen by an earlier installation from the same files."""
        if len(files) == 1 and files[0].sha256 is not None:
            return PackageFile(files[0].filename, files[0].sha256)
        for scope in self.scopes:
            data = self.cache.read("choices", _key(scope, *_describe(files)))
            chosen = None if data is None else data.decode()
            for file in files:
                if file.sha256 is not None and file.sha256 == chosen:
                    return PackageFile(file.filename, file.sha256)
        return None

    def find(self, wheel_sha256: str) -> InstalledWheel | None:
        """Return an installed wheel; None: not in the cache."""
        for scope in self.scopes:
            data = self.cache.read("piece", _key(scope, wheel_sha256))
            wheel = None if data is None else self._open(json.loads(data))
            if wheel is not None:
                return wheel
        return None

    def keep(self, choice: PackageFile, files: list[ListedFile], wheel: InstalledWheel) -> None:
        """Add an installed wheel. Raises StorageFull."""
        if sum(entry.size for entry in wheel.entries) > _MOST_BYTES:
            return
        content = self.cache.add("pieces", _read_contents(wheel.entries))
        document = {
            "content": content.name,
            "files": [
                (entry.path, entry.size, wheel.digests[entry.path], entry.mode == EXECUTABLE_MODE)
                for entry in wheel.entries
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
    """Yield everything on which the choice of a file depends."""
    for file in files:
        yield json.dumps([file.filename, file.sha256, file.requires_python, file.yanked])


def _read_contents(entries: Iterable[LayerEntry]) -> Iterator[bytes]:
    for entry in entries:
        if entry.open is not None:
            with entry.open() as stream:
                yield from iter(partial(stream.read, _CHUNK_BYTES), b"")


class WheelContents(NamedTuple):
    """Files of an installed wheel, without its compiled modules."""

    files: Mapping[str, str | None]
    """SHA-256 by path below the target; None: the installer writes the file."""
    is_certain: bool
    """Whether the wheel states the digest of every file."""


def read_wheel(path: Path, python: str) -> WheelContents | None:
    """Return the files that uv installs from a wheel; None: damaged or ambiguous.

    Args:
        path: the wheel.
        python: path of the interpreter that its programs run with.
    """
    # Of ``pip install --target``.
    scheme = InstallScheme("", "", "bin", "", "include", python)
    try:
        with open_wheel(path) as wheel:
            layout = WheelLayout(wheel, scheme, _INSTALLER)
            stated = wheel.record
    except InvalidWheel:
        return None
    if layout.is_ambiguous or len(set(wheel.names)) != len(wheel.names):
        return None
    removed = {f"{wheel.info}/{note}" for note in _NOTES}
    files = {
        path: _hexadecimal(digest)
        for path, digest in layout.digests.items()
        if _CACHE not in path.split("/") and path not in removed
    }
    is_certain = set(stated) == set(wheel.names) and None not in files.values()
    records = [name for name in wheel.names if name.startswith(f"{wheel.info}/RECORD")]
    return WheelContents({**files, **dict.fromkeys(records)}, is_certain)


def split(
    entries: Iterable[LayerEntry],
    digests: Mapping[str, str],
    wheels: Mapping[str, WheelContents],
    prefix: str,
) -> dict[str, InstalledWheel]:
    """Return the installed wheels whose files are certain, by project.

    Args:
        entries: the whole installation.
        digests: SHA-256 of its files, by path.
        wheels: contents of every wheel that was installed, by project.
        prefix: folder of the installation.
    """
    claims: dict[str, list[str]] = defaultdict(list)
    for name, wheel in wheels.items():
        for path in wheel.files:
            claims[f"{prefix}/{path}"].append(name)
    unsure = {name for name, wheel in wheels.items() if not wheel.is_certain}
    for path, names in claims.items():
        for name in names:
            wanted = wheels[name].files[path.removeprefix(f"{prefix}/")]
            # A file of the installer belongs to the wheel of its name, if no other brings it.
            is_sure = len(names) == 1 if wanted is None else wanted == digests.get(path)
            if path not in digests or not is_sure:
                unsure.add(name)
    files: dict[str, list[LayerEntry]] = defaultdict(list)
    for entry in entries:
        if entry.type is EntryType.FILE:
            for name in claims.get(_source_of(entry.path), []):
                files[name].append(entry)
    return {
        name: InstalledWheel(found, {entry.path: digests[entry.path] for entry in found})
        for name, found in files.items()
        if name not in unsure and _is_recorded(found, wheels[name], prefix)
    }


def clashes(wheels: Iterable[WheelContents]) -> bool:
    """Return whether two wheels bring different files of one name."""
    seen: dict[str, str | None] = {}
    for wheel in wheels:
        for path, digest in wheel.files.items():
            if seen.setdefault(path, digest) != digest:
                return True
    return False


def merge(wheels: Iterable[InstalledWheel]) -> list[LayerEntry] | None:
    """Return the files of all wheels; None: two have different files of one path."""
    merged: dict[str, tuple[LayerEntry, object]] = {}
    for wheel in wheels:
        for entry in wheel.entries:
            about = (entry.type, entry.mode, entry.target, wheel.digests.get(entry.path))
            if merged.setdefault(entry.path, (entry, about))[1] != about:
                return None
    found = [entry for entry, _ in merged.values()]
    for entry in found:
        for parent in parent_paths(entry.path):
            if parent in merged and merged[parent][0].type is not EntryType.DIRECTORY:
                return None
    return found


def _hexadecimal(stated: str) -> str | None:
    algorithm, _, value = stated.partition("=")
    try:
        decoded = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except binascii.Error:
        return None
    return decoded if algorithm == "sha256" else None


def _is_recorded(found: Iterable[LayerEntry], wheel: WheelContents, prefix: str) -> bool:
    """Return whether the installer's RECORD lists just these files, none of its own."""
    for entry in found:
        folder, _, name = entry.path.removeprefix(f"{prefix}/").partition("/")
        if name == "RECORD" and folder.endswith(".dist-info") and entry.open is not None:
            with entry.open() as stream:
                listed = _read_paths(stream.read(DOCUMENT_BYTES))
            return listed == set(wheel.files)
    return False


def _read_paths(record: bytes) -> set[str] | None:
    try:
        paths = {path for path, _ in parse_record(record.decode("utf-8", "replace"))}
    except csv.Error:
        return None
    # The driver removes compiled modules that wheels bring.
    return {path for path in paths if _CACHE not in path.split("/")}


def _source_of(path: str) -> str:
    """Return the path of a compiled module's source; other files are their own source."""
    folder, _, name = path.rpartition("/")
    above, _, last = folder.rpartition("/")
    if last != _CACHE or not name.endswith(".pyc"):
        return path
    return f"{above}/{name.rsplit('.', 2)[0]}.py"
