"""What was installed together, taken apart by wheel, and put together again.

A piece is given to others who ask for its wheel, so no other wheel may have a part in it: every
file must be what the wheel's own archive says. What is compiled comes of such files.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping

from au2.dependencies.cache.installed_wheels import InstalledWheel
from au2.dependencies.python.wheel import (
    DOCUMENT_BYTES,
    WheelContents,
    parse_record,
)
from au2.oci.tar.paths import parent_paths
from au2.oci.tar.writer import EntryType, LayerEntry

_CACHE = "__pycache__"


def split(
    entries: Iterable[LayerEntry],
    digests: Mapping[str, str],
    wheels: Mapping[str, WheelContents],
    prefix: str,
) -> dict[str, InstalledWheel]:
    """Return the pieces of those wheels of which it is certain, by project.

    Args:
        entries: all that was installed. digests: SHA-256 of the files, by path.
        wheels: what each wheel that was installed says, by project.
        prefix: folder that they were installed into.
    """
    claims: dict[str, list[str]] = defaultdict(list)
    for name, wheel in wheels.items():
        for path in wheel.files:
            claims[f"{prefix}/{path}"].append(name)
    unsure = {name for name, wheel in wheels.items() if not wheel.is_certain}
    for path, names in claims.items():
        for name in names:
            wanted = wheels[name].files[path.removeprefix(f"{prefix}/")]
            # A note of the installer belongs to whose name it has, if nobody else brings it.
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
        if name not in unsure and _is_told(found, wheels[name], prefix)
    }


def _is_told(found: Iterable[LayerEntry], wheel: WheelContents, prefix: str) -> bool:
    """Whether the installer says that it installed just that: else it made more of its own."""
    for entry in found:
        folder, _, name = entry.path.removeprefix(f"{prefix}/").partition("/")
        if name == "RECORD" and folder.endswith(".dist-info") and entry.open is not None:
            with entry.open() as stream:
                told = _read_paths(stream.read(DOCUMENT_BYTES))
            return told == set(wheel.files)
    return False


def _read_paths(record: bytes) -> set[str] | None:
    try:
        paths = {path for path, _ in parse_record(record.decode("utf-8", "replace"))}
    except csv.Error:
        return None
    # What wheels bring compiled was taken out.
    return {path for path in paths if _CACHE not in path.split("/")}


def clashes(wheels: Iterable[WheelContents]) -> bool:
    """Whether two wheels bring different files of one name."""
    seen: dict[str, str | None] = {}
    for wheel in wheels:
        for path, digest in wheel.files.items():
            if seen.setdefault(path, digest) != digest:
                return True
    return False


def merge(pieces: Iterable[InstalledWheel]) -> list[LayerEntry] | None:
    """Return all files of all pieces; None: two say different things of one path."""
    merged: dict[str, tuple[LayerEntry, object]] = {}
    for piece in pieces:
        for entry in piece.entries:
            about = (entry.type, entry.mode, entry.target, piece.digests.get(entry.path))
            if merged.setdefault(entry.path, (entry, about))[1] != about:
                return None
    found = [entry for entry, _ in merged.values()]
    for entry in found:
        for parent in parent_paths(entry.path):
            if parent in merged and merged[parent][0].type is not EntryType.DIRECTORY:
                return None
    return found


def _source_of(path: str) -> str:
    """Return the path of the source that a file was compiled of; others are their own."""
    folder, _, name = path.rpartition("/")
    above, _, last = folder.rpartition("/")
    if last != _CACHE or not name.endswith(".pyc"):
        return path
    return f"{above}/{name.rsplit('.', 2)[0]}.py"
