r"""Downloaded packages: unpacked into a folder, with every path distrusted.

More paths are refused than by a package's own rules. Repositories of git or Mercurial are, since
programs on this machine run their hooks. On Windows, a name may mean another drive, a device or a
stream of a file, and ``\`` climbs as ``/`` does (Microsoft, "Naming Files, Paths, and Namespaces").
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from au2.domain.errors import Detail, InvalidImage, InvalidRequest, UnexpectedAnswer
from au2.files.output import convert_file_errors
from au2.oci.streams import CHUNK_BYTES, Readable
from au2.oci.tar.layer import LayerLimits, LayerMember, MemberType, read_layer
from au2.package.tree.entries import PackagedFile, count_files, format_mode, mode_of
from au2.package.tree.paths import PackageLimits, find_path_error, validate_paths

_REPOSITORIES = re.compile(r"\.git|git~[0-9]+|\.hg|hg~[0-9]+|\.bzr|\.svn")
"""Also by the short names that Windows gives them (git, ``is_ntfs_dotgit``)."""
_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_DEVICES = re.compile(
    "(con|prn|aux|nul|conin\\$|conout\\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])( *\\..*)?", re.DOTALL
)


def find_local_path_error(path: str, *, is_windows: bool = os.name == "nt") -> str | None:
    """Say why a path, ``/``-separated, may not be written here; None if allowed."""
    parts = path.split("/")
    if any(map(_is_repository, parts)):
        return "it belongs to the repository of a version control system, whose hooks are run"
    if is_windows and any(map(_is_special_on_windows, parts)):
        return "Windows gives the name another meaning than a file"
    return None


def find_target_error(target: str, *, is_windows: bool = os.name == "nt") -> str | None:
    """Say why no link may have this relative target; None if allowed."""
    if is_windows and any(
        part not in {"", ".", ".."} and _is_special_on_windows(part) for part in target.split("/")
    ):
        return "Windows gives the target another meaning than a file"
    return None


def _is_repository(part: str) -> bool:
    """Whether some file system may take the name for one of a repository.

    macOS passes over characters that are not seen and takes composed letters and upper case for
    the same; Windows passes over dots and spaces at the end, and what follows a colon is a stream.
    """
    seen = "".join(char for char in part if unicodedata.category(char) != "Cf")
    name = unicodedata.normalize("NFKC", seen).casefold().partition(":")[0].rstrip(". ")
    return _REPOSITORIES.fullmatch(name) is not None


def _is_special_on_windows(part: str) -> bool:
    name = part.casefold()
    ends = name.endswith((".", " "))
    return bool(ends or _ON_WINDOWS.search(name) or _DEVICES.fullmatch(name))


_LIMITS: Final = PackageLimits(files=1_000_000, total_bytes=64 << 30)
"""Above every server's default limits."""
_ARCHIVE_LIMITS: Final = LayerLimits(stream_bytes=_LIMITS.total_bytes, sparse_parts=0)


_KINDS: Final = frozenset({MemberType.FILE, MemberType.LINK, MemberType.DIRECTORY})


@contextmanager
def fill_folder(directory: Path) -> Iterator[Path]:
    """Yield a folder to fill; its content moves to ``directory`` when the block ends well.

    Raises:
        InvalidRequest: ``directory`` exists and is not empty.
        Au2Error: the folder can't be written.
    """
    ensure_no_content(directory)
    with convert_file_errors(directory):
        is_new = not directory.exists()
        directory.mkdir(parents=True, exist_ok=True)
        incoming = Path(tempfile.mkdtemp(prefix=".au2-", dir=directory))
    try:
        yield incoming
        with convert_file_errors(directory):
            for path in list(incoming.iterdir()):
                _move(path, directory / path.name)
    except BaseException:
        _make_removable(incoming)
        shutil.rmtree(incoming, ignore_errors=True)
        with suppress(OSError):
            if is_new:
                directory.rmdir()
        raise
    incoming.rmdir()


def _move(path: Path, target: Path) -> None:
    """Rename a file or folder. A read-only folder must be writable while it is moved."""
    mode = None if path.is_symlink() or not path.is_dir() else stat.S_IMODE(path.stat().st_mode)
    if mode is None or mode & stat.S_IWUSR:
        path.rename(target)
        return
    path.chmod(mode | stat.S_IWUSR)
    path.rename(target)
    target.chmod(mode)


def _make_removable(directory: Path) -> None:
    for folder, _, _ in os.walk(directory):
        with suppress(OSError):
            Path(folder).chmod(0o700)


def ensure_no_content(directory: Path) -> None:
    """Raise InvalidRequest unless ``directory`` is missing or an empty folder."""
    with convert_file_errors(directory):
        is_free = not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
    if not is_free:
        raise InvalidRequest(
            f"'{directory}' already exists and is not an empty folder.",
            hint="Name another folder with -o DIR.",
        )


def unpack_package(stream: Readable, directory: Path) -> int:
    """Write the package in ``stream``, a tar archive; return its number of files and links.

    ``directory`` is empty and no other program writes to it. Nothing is written outside, for any
    archive: links are made last, after all of them were checked.

    Raises:
        UnexpectedAnswer: the archive is no package.
        Au2Error: a file can't be written.
    """
    unpacker = _Unpacker(directory)
    try:
        for member in read_layer(stream, _ARCHIVE_LIMITS):
            unpacker.add(member)
    except InvalidImage as error:
        raise UnexpectedAnswer(f"The server sent no package: {error.message}.") from error
    unpacker.finish()
    return count_files(unpacker.entries)


class _Unpacker:
    """One archive on its way to one folder."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.entries: list[PackagedFile] = []

    def add(self, member: LayerMember) -> None:
        """Write a file; take note of links and folders."""
        path = member.path
        if not path:
            return  # The package's own folder.
        message = find_path_error(path) or find_local_path_error(path)
        if message is None and member.type not in _KINDS:
            message = f"a {member.type} can't be part of a package"
        if message is None:
            message = find_target_error(member.target)
        if message is None and len(self.entries) == _LIMITS.files:
            message = "too many files"
        if message is not None:
            raise _refused([Detail(message, file=path)])
        if member.type is MemberType.LINK:
            self.entries.append(PackagedFile(path, "link", False, 0, "", member.target, b""))
        elif member.content is None:
            mode = format_mode(member.mode, is_folder=True)
            self.entries.append(PackagedFile(path, "folder", False, 0, "", "", b"", mode))
        else:
            executable, mode = bool(member.mode & 0o111), format_mode(member.mode, is_folder=False)
            entry = PackagedFile(path, "file", executable, member.size_bytes, "", "", b"", mode)
            self.entries.append(entry._replace(sha256=self._write(entry, member.content)))

    def finish(self) -> None:
        """Check all paths together, then make folders and links; modes of folders last."""
        errors = validate_paths(self.entries, limits=_LIMITS)
        if errors:
            raise _refused(errors)
        for entry in self.entries:
            if entry.type == "link":
                path = self._directory / entry.path
                with convert_file_errors(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.symlink_to(entry.target)
        folders = sorted(entry for entry in self.entries if entry.type == "folder")
        for folder in folders:
            with convert_file_errors(self._directory / folder.path):
                (self._directory / folder.path).mkdir(parents=True, exist_ok=True)
        for folder in reversed(folders):
            if folder.mode:
                with convert_file_errors(self._directory / folder.path):
                    (self._directory / folder.path).chmod(mode_of(folder))

    def _write(self, entry: PackagedFile, content: Readable) -> str:
        full = self._directory / entry.path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        digest = hashlib.sha256()
        with convert_file_errors(full):
            full.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(full, flags, 0o777 if entry.executable else 0o666)
        with os.fdopen(descriptor, "wb") as file:
            while data := content.read(CHUNK_BYTES):
                digest.update(data)
                with convert_file_errors(full):
                    file.write(data)
            with convert_file_errors(full):
                file.flush()
                if entry.mode:
                    # An ordinary mode follows the user's umask, as for git.
                    full.chmod(mode_of(entry))
        return digest.hexdigest()


def _refused(errors: list[Detail]) -> UnexpectedAnswer:
    return UnexpectedAnswer("The server sent files that can't be in a package.", details=errors)
