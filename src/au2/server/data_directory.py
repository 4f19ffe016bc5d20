"""Data directory: paths, permissions, and locks."""

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.local.running_server import RUN_DIRECTORIES, SERVER_FILE

_CHILDREN = {"database": 0o700, "blobs": 0o700, "layers": 0o700, "containers": 0o711, "logs": 0o700}
_RETRY_SECONDS = 0.05
_PATH_BYTES = 1024
"""So that the longest paths below it are shorter than PATH_MAX, 4096 bytes."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Paths of an installation. ``root`` is absolute."""

    root: Path

    @property
    def database_file(self) -> Path:
        """SQLite database."""
        return self.root / "database" / "au2.sqlite3"

    @property
    def database_copies(self) -> Path:
        """Copies of the database from before its migrations."""
        return self.database_file.parent / "copies"

    @property
    def blobs(self) -> Path:
        """Content store."""
        return self.root / "blobs"

    @property
    def logs(self) -> Path:
        """Log store."""
        return self.root / "logs"

    @property
    def settings_file(self) -> Path:
        """Settings; optional."""
        return self.root / "settings.toml"

    @property
    def key_file(self) -> Path:
        """Secret keys, unless the settings name another file."""
        return self.root / "secrets.key"

    @property
    def downloads(self) -> Path:
        """Cache of downloaded and installed packages; may be removed at any time."""
        return self.root / "downloads"

    @property
    def reserve_file(self) -> Path:
        """Disk reserve (:mod:`au2.server.disk_reserve`)."""
        return self.root / "reserve"

    @property
    def server_file(self) -> Path:
        """Address of the running server, as JSON; missing while none runs."""
        return self.root / SERVER_FILE

    @property
    def instance(self) -> str:
        """Short name of this installation on this machine."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]

    def run_directory(self, override: Path | None) -> Path:
        """Return the folder of running state (sockets, mounts), gone after a reboot."""
        return override or RUN_DIRECTORIES / self.instance

    def create(self) -> None:
        """Make the missing folders, with the right modes. Idempotent.

        The root may be passed through but not listed: containers' users come through. Raises
        InvalidRequest for an unusable path, or one with something else.
        """
        self.check_path()
        if self.root.exists() and not self._may_be_ours():
            raise InvalidRequest(
                f"'{self.root}' is not empty and no data directory of au2.",
                hint="Name an empty or new folder with --data-dir.",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for name, mode in _CHILDREN.items():
            folder = self.root / name
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)

    def check_path(self) -> None:
        """Raise InvalidRequest for a path unfit for log lines, JSON or system calls."""
        path = str(self.root)
        size_bytes = len(os.fsencode(path))
        if size_bytes > _PATH_BYTES:
            problem = f"is {size_bytes} bytes long; {_PATH_BYTES} bytes is the limit"
        elif not path.isprintable():
            problem = "holds control characters, or is not UTF-8"
        else:
            return
        raise InvalidRequest(
            f"{path[:200]!r} can't be a data directory: its path {problem}.",
            hint="Name another folder with --data-dir.",
        )

    def check(self) -> None:
        """Raise NotFound unless this is a data directory."""
        if not self.database_file.exists():
            raise NotFound(
                f"'{self.root}' is no data directory of au2.",
                hint="Create it with 'au2-server init --data-dir "
                f"{self.root} --email YOU --password-stdin'.",
            )

    def _may_be_ours(self) -> bool:
        if not self.root.is_dir():
            return False
        # People put settings there before the first command.
        others = {path.name for path in self.root.iterdir()} - {self.settings_file.name}
        return not others or (self.root / "database").is_dir()


@contextlib.contextmanager
def lock_data_directory(root: Path, *, patience_seconds: float) -> Iterator[int]:
    """Hold the directory for one server; yield the descriptor of the lock.

    Processes that inherit the descriptor hold the lock too. So after a server was killed, the next
    one waits until the last of those processes is gone, for ``patience_seconds`` at most. Raises
    Conflict if another server has the directory.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor, root, time.monotonic() + patience_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def lock_blobs(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Keep blobs from being removed while a backup copies them. Raises Conflict."""
    return _flocked(folder, fcntl.LOCK_EX, "Another backup or a garbage collection is under way")


def allow_blob_removal(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Hold the right to remove blobs, with others. Raises Conflict while a backup copies them."""
    return _flocked(folder, fcntl.LOCK_SH, "A backup is under way")


@contextlib.contextmanager
def _flocked(folder: Path, kind: int, otherwise: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Conflict(f"{otherwise}.", hint="Try again when that command has ended.") from error
    finally:
        os.close(descriptor)


def _lock(descriptor: int, root: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise Conflict(
                    f"'{root}' is in use by another au2-server.",
                    hint=f"Stop that one first; '{root}/{SERVER_FILE}' says its process id.",
                ) from error
            time.sleep(_RETRY_SECONDS)
        else:
            return
