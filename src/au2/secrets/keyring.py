"""Keys of secrets: encryption of values with AES-256-GCM, and the key file.

A ciphertext is ``v1:<key id>:<nonce and ciphertext, base64>``. Associated data names the row, so
decryption fails for a ciphertext that was changed or moved to another row.

The key file is readable by root only and apart from the database, with one key a line:
``<time of creation> <key, base64>``. The first key encrypts; all decrypt. A change replaces the
file atomically, and every use of the keys checks for a replaced file.
"""

import base64
import binascii
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from au2.domain.clock import format_time, parse_time
from au2.domain.errors import SecretUnreadable
from au2.files.output import PRIVATE, write_output

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"
_HEAD = """\
# Keys of this installation's secrets. Without this file their values can't be read: keep a copy
# apart from the copies of the data. The first key encrypts; 'au2-server secret-key' changes it.
"""
_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Key:
    """An AES key and its id in ciphertexts."""

    material: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """A short digest of the key, which reveals nothing of it."""
        return hashlib.sha256(b"au2 secret key\0" + self.material).hexdigest()[:12]


def make_key() -> Key:
    """Return a new random key."""
    return Key(os.urandom(KEY_BYTES))


@dataclass(frozen=True, slots=True)
class Keyring:
    """One or more keys, newest first: the first encrypts, all decrypt."""

    keys: tuple[Key, ...]

    @property
    def current_id(self) -> str:
        """Id of the key that encrypts."""
        return self.keys[0].id

    def encrypt(self, value: bytes, *, bound_to: str) -> str:
        """Return the ciphertext of ``value``, with ``bound_to`` as associated data."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.keys[0].material).encrypt(nonce, value, bound_to.encode())
        return f"{_VERSION}:{self.current_id}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def decrypt(self, ciphertext: str, *, bound_to: str) -> bytes:
        """Return the value; inverse of :meth:`encrypt`.

        Raises:
            SecretUnreadable: the key is missing, or the ciphertext was changed or moved.
        """
        key = self._find(key_id_of(ciphertext))
        try:
            data = base64.b64decode(ciphertext.rpartition(":")[2], validate=True)
            return AESGCM(key.material).decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound_to.encode()
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise SecretUnreadable(
                "A stored secret was changed outside the platform, or swapped with another.",
                hint="Ingest its value again, and find out who writes to the database.",
            ) from None

    def _find(self, key_id: str) -> Key:
        for key in self.keys:
            if key.id == key_id:
                return key
        raise SecretUnreadable(
            f"A stored secret is encrypted with the key {key_id}, which is not in the key file.",
            hint="The operator puts the right key file back, or its value is ingested again.",
        )


def key_id_of(ciphertext: str) -> str:
    """Return the key id of a ciphertext."""
    version, _, rest = ciphertext.partition(":")
    return rest.partition(":")[0] if version == _VERSION else "?"


@dataclass(frozen=True, slots=True)
class DatedKey:
    """One line of the key file."""

    key: Key
    made_at: datetime


class KeyFile:
    """Keys of a file, read again after a change. Safe for threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._read_as: tuple[int, int, int] | None = None
        self._ring: Keyring | None = None

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.exists()

    def ring(self) -> Keyring:
        """Return the present keys.

        Raises:
            SecretUnreadable: the file is missing, readable by others, or malformed.
        """
        with self._lock:
            found = self._identify()
            if self._ring is None or found != self._read_as:
                self._ring = Keyring(tuple(dated.key for dated in self.read()))
                self._read_as = found
            return self._ring

    def ensure(self, at: datetime) -> None:
        """Create a missing file with a first key. Safe for several processes."""
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
        """Insert a new encrypting key before the others; return the key."""
        with self._locked():
            key = make_key()
            self._replace([DatedKey(key, at), *self.read()])
            return key

    def drop(self, key_ids: set[str]) -> None:
        """Remove keys, except the encrypting one."""
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
        """Hold the lock against changes by other processes."""
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
