"""Scan of a package folder: the list of its files, and of folders not implied by files."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.wording import format_bytes
from au2.package import names
from au2.package.ignore.rules import read_rules
from au2.package.ignore.secret_files import WithheldFile
from au2.package.names import find_near_names
from au2.package.process_ids import without_process_ids
from au2.package.text import read_text
from au2.package.tree.entries import PackagedFile, PackageFiles, format_mode
from au2.package.tree.paths import (
    DEFAULT_LIMITS,
    MOST_ERRORS,
    PackageLimits,
    find_path_error,
    validate_paths,
)
from au2.package.tree.walk import WalkEntry, open_file, walk_package

_CHUNK_BYTES = 1 << 20


def scan_package(directory: Path, *, limits: PackageLimits = DEFAULT_LIMITS) -> PackageFiles:
    """Return all files of the package, hashed, sorted by path.

    ``aunsight.yml`` is listed without its process ids. Links are listed, not followed; folders
    only if their files do not imply them: empty ones, and those of an unusual mode. Without an
    ``.auignore``, the default rules hold. Files with probable secrets are left out and
    named, unless ``.auignore`` includes them.

    Raises:
        InvalidPackage: with all errors: links out of the package, devices, FIFOs, sockets, names
            outside UTF-8, unreadable files, exceeded limits.
    """
    files, errors = find_files(directory, limits=limits)
    if errors:
        raise InvalidPackage(details=errors)
    return files


def find_files(
    directory: Path, *, limits: PackageLimits = DEFAULT_LIMITS
) -> tuple[PackageFiles, list[Detail]]:
    """Return the result of :func:`scan_package`, and its errors."""
    if not (directory / names.MANIFEST).is_file():
        return PackageFiles((), 0), [_explain_missing_manifest(directory)]
    walk = _Walk(directory, limits)
    try:
        entries = tuple(sorted(walk.entries(), key=lambda entry: entry.path))
    except InvalidPackage as error:
        return PackageFiles((), 0), [*walk.errors, *error.details]
    errors = [*walk.errors, *validate_paths(entries, limits=limits)]
    total_bytes = sum(entry.size_bytes for entry in entries)
    files = PackageFiles(entries, total_bytes, tuple(sorted(walk.left_out)))
    return files, errors[:MOST_ERRORS]


def _explain_missing_manifest(directory: Path) -> Detail:
    message = "the file is missing: is this a package? `au2 process repo init` makes one"
    with suppress(OSError):
        near = find_near_names(path.name for path in directory.iterdir() if path.is_file())
        for name in (name for name, meant in near.items() if meant == names.MANIFEST):
            message = f"the file is missing: rename '{name}', which looks like it"
    return Detail(message, file=names.MANIFEST)


class _Walk:
    """One scan of a folder, with a list of errors."""

    def __init__(self, directory: Path, limits: PackageLimits) -> None:
        self._root = os.fspath(directory)
        self._limits = limits
        self._left_bytes = limits.total_bytes
        self._found = 0
        self.errors: list[Detail] = []
        self.left_out: list[WithheldFile] = []
        self._folders: list[WalkEntry] = []
        self._filled: set[str] = set()
        """Folders with something in them that is listed."""

    def entries(self) -> Iterator[PackagedFile]:
        refused: set[str] = set()
        for found in walk_package(self._root, read_rules, self._add_unreadable):
            if found.path.rpartition("/")[0] in refused:
                refused.add(found.path)
                continue
            if found.secret is not None:
                path = f"{found.path}/" if found.is_folder else found.path
                self.left_out.append(WithheldFile(path, found.secret))
                continue
            error = find_path_error(found.path)
            if error is not None:
                self._add(found.path, error)
                refused.add(found.path)
            elif found.is_folder:
                self._folders.append(found)
            else:
                entry = self._entry(found.entry, found.path)
                if entry is not None:
                    self._note_parents(entry.path)
                    yield entry
        yield from self._list_folders()

    def _list_folders(self) -> Iterator[PackagedFile]:
        """Yield the folders not implied by their files: empty ones, or of another mode.

        A folder included by a rule (``!*/``) counts only for its files.
        """
        for found in sorted(self._folders, key=lambda found: found.path, reverse=True):
            is_empty = found.path not in self._filled
            if is_empty and found.rule is not None:
                continue
            try:
                mode = _mode_of(found.entry.stat(follow_symlinks=False))
            except OSError as error:
                self._add_unreadable(f"{found.path}/", error)
                continue
            if is_empty or mode:
                self._count(found.path)
                self._note_parents(found.path)
                yield PackagedFile(found.path, "folder", False, 0, "", "", b"", mode)

    def _note_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        while parent and parent not in self._filled:
            self._filled.add(parent)
            parent = parent.rpartition("/")[0]

    def _add_unreadable(self, folder: str, error: OSError) -> None:
        self._add(folder, f"the folder can't be read: {error.strerror}")

    def _entry(self, found: os.DirEntry[str], path: str) -> PackagedFile | None:
        self._count(path)
        try:
            status = found.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                target = os.readlink(found.path).replace(os.sep, "/")  # noqa: PTH115 - text as it is
                return PackagedFile(path, "link", False, 0, "", target, b"")
            if stat.S_ISREG(status.st_mode):
                return self._file(found.path, path, status)
        except OSError as error:
            self._add(path, f"the file can't be read: {error.strerror}")
            return None
        self._add(path, f"{_kind(status.st_mode)} can't be part of a package")
        return None

    def _file(self, full_path: str, path: str, status: os.stat_result) -> PackagedFile:
        source: Path | bytes = Path(full_path)
        if path == names.MANIFEST:
            source = self._manifest(Path(full_path))
            size_bytes, digest = len(source), hashlib.sha256(source).hexdigest()
        else:
            size_bytes, digest = self._hash(full_path)
        executable, mode = bool(status.st_mode & 0o111), _mode_of(status)
        return PackagedFile(path, "file", executable, size_bytes, digest, "", source, mode)

    def _manifest(self, full_path: Path) -> bytes:
        try:
            text = read_text(full_path, names.MANIFEST)
            return without_process_ids(text).encode()
        except InvalidPackage as error:
            self.errors.extend(error.details or [Detail(error.message, file=names.MANIFEST)])
            return b""

    def _hash(self, full_path: str) -> tuple[int, str]:
        digest = hashlib.sha256()
        size_bytes = 0
        descriptor = open_file(full_path)
        try:
            while data := os.read(descriptor, _CHUNK_BYTES):
                digest.update(data)
                size_bytes += len(data)
                self._spend(len(data))
        finally:
            os.close(descriptor)
        return size_bytes, digest.hexdigest()

    def _spend(self, size_bytes: int) -> None:
        self._left_bytes -= size_bytes
        if self._left_bytes < 0:
            message = f"the package is too large: at most {format_bytes(self._limits.total_bytes)}"
            raise InvalidPackage(details=[Detail(message)])

    def _count(self, path: str) -> None:
        self._found += 1
        if self._found > self._limits.files:
            message = f"too many files: at most {self._limits.files}; see {names.IGNORE}"
            raise InvalidPackage(details=[Detail(message, file=path)])

    def _add(self, path: str, message: str) -> None:
        name = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
        self.errors.append(Detail(message, file=name))


def _mode_of(status: os.stat_result) -> str:
    # Windows has no such permissions, and Python makes some up there.
    if os.name == "nt":
        return ""
    return format_mode(status.st_mode, is_folder=stat.S_ISDIR(status.st_mode))


def _kind(mode: int) -> str:
    for test, noun in (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if test(mode):
            return noun
    return "a special file"
