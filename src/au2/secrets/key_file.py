"""The file that holds the keys, for root only and apart from the database.

One key a line: ``<time it was made> <key, base64>``; the first encrypts, the others still decrypt.
Every change is a new file put in the old one's place, so nobody ever reads half of one; whoever
uses the keys looks whether the file is still the one that was read.
"""

import base64
import binascii
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from au2.domain.clock import format_time, parse_time
from au2.domain.errors import SecretUnreadable
from au2.files.output import PRIVATE, write_output
from au2.secrets.keyring import KEY_BYTES, Key, Keyring, make_key

_HEAD = """\
# Keys of this installation's secrets. Without this file their values can't be read: keep a copy
# apart from the copies of the data. The first key encrypts; 'au2-server secret-key' changes it.
"""
_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DatedKey:
    """A line of the file."""

    key: Key
    made_at: datetime


class KeyFile:
    """The keys in a file; read anew when it was changed. Safe for threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._read_as: tuple[int, int, int] | None = None
        self._ring: Keyring | None = None

    def exists(self) -> bool:
        """Whether there is a file."""
        return self.path.exists()

    def ring(self) -> Keyring:
        """Return the keys as they are now.

        Raises:
            SecretUnreadable: the file is missing, open to others, or no key file.
        """
        with self._lock:
            found = self._identify()
            if self._ring is None or found != self._read_as:
                self._ring = Keyring(tuple(dated.key for dated in self.read()))
                self._read_as = found
            return self._ring

    def ensure(self, at: datetime) -> None:
        """Make the file with a first key if there is none. Whoever comes first makes it."""
        if self.exists():
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            if not self.exists():
                self._replace([DatedKey(make_key(), at)])

    def read(self) -> list[DatedKey]:
        """Return all keys, the encrypting one first. Raises SecretUnreadable."""
        try:
            with self.path.open("rb") as file:
                self._check(os.fstat(file.fileno()))
                data = file.read(_LIMIT_BYTES)
        except FileNotFoundError:
            raise _missing(self.path) from None
        except OSError as error:
            said = os.strerror(error.errno or 0)
            raise SecretUnreadable(
                f"The key file {self.path.name} can't be read: {said}."
            ) from None
        keys = [self._parse(line) for line in data.decode("utf-8", "replace").splitlines()]
        found = [key for key in keys if key is not None]
        if not found:
            raise SecretUnreadable(f"The key file {self.path.name} holds no key.")
        return found

    def add(self, at: datetime) -> Key:
        """Put a new key in front; the others stay. Return it."""
        with self._locked():
            key = make_key()
            self._replace([DatedKey(key, at), *self.read()])
            return key

    def drop(self, key_ids: set[str]) -> None:
        """Remove keys; never the encrypting one."""
        with self._locked():
            first, *others = self.read()
            self._replace([first, *(dated for dated in others if dated.key.id not in key_ids)])

    def _identify(self) -> tuple[int, int, int]:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise _missing(self.path) from None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise SecretUnreadable(f"The key file {self.path.name} is no regular file.")
        if status.st_mode & 0o077:
            raise SecretUnreadable(
                f"The key file {self.path.name} can be read by others than its owner.",
                hint="The operator sets its mode to 600 and rotates the key: others may have it.",
            )

    def _parse(self, line: str) -> DatedKey | None:
        if not line.strip() or line.startswith("#"):
            return None
        moment, _, text = line.strip().partition(" ")
        try:
            material = base64.b64decode(text, validate=True)
            made_at = parse_time(moment)
        except (binascii.Error, ValueError):
            material = b""
        if len(material) != KEY_BYTES:
            raise SecretUnreadable(
                f"The key file {self.path.name} holds a line that is no key.",
                hint="Put back a copy of it.",
            )
        return DatedKey(Key(material), made_at)

    def _replace(self, keys: Sequence[DatedKey]) -> None:
        lines = [
            f"{format_time(dated.made_at)} {base64.b64encode(dated.key.material).decode()}\n"
            for dated in keys
        ]
        write_output(self.path, (_HEAD + "".join(lines)).encode("ascii"), permissions=PRIVATE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing the file meanwhile."""
        beside = self.path.with_name(f"{self.path.name}.lock")
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _missing(path: Path) -> SecretUnreadable:
    return SecretUnreadable(
        f"The key file {path.name} is missing, so no secret can be read or written.",
        hint="The operator puts it back from a copy. If it is lost for good, 'au2-server "
        "secret-key create' makes a new one, and all values are ingested again.",
    )
