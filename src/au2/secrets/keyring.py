"""Encryption of values with AES-256-GCM, each ciphertext bound to its row.

A ciphertext is ``v1:<key id>:<nonce and ciphertext, base64>``. Associated data names the row, so
decryption fails for a ciphertext that was changed or moved to another row.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from au2.domain.errors import SecretUnreadable

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"


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
