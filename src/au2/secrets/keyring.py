"""Encrypting values: AES-256-GCM, each ciphertext bound to the row that it belongs to.

A ciphertext is ``v1:<key id>:<nonce and ciphertext, base64>``. What it is bound to goes in as
associated data, so it can't be moved to another row, and any change is found out.
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
    """A key and the name by which ciphertexts call it."""

    material: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """A short digest: equal keys have equal ids, and nothing can be learnt from one."""
        return hashlib.sha256(b"au2 secret key\0" + self.material).hexdigest()[:12]


def make_key() -> Key:
    """Return a new random key."""
    return Key(os.urandom(KEY_BYTES))


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by age: the first encrypts, all decrypt. At least one."""

    keys: tuple[Key, ...]

    @property
    def current_id(self) -> str:
        """Id of the key that encrypts."""
        return self.keys[0].id

    def encrypt(self, value: bytes, *, bound_to: str) -> str:
        """Return the ciphertext of ``value``, of use only with the same ``bound_to``."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.keys[0].material).encrypt(nonce, value, bound_to.encode())
        return f"{_VERSION}:{self.current_id}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def decrypt(self, ciphertext: str, *, bound_to: str) -> bytes:
        """Return the value; inverse of :meth:`encrypt`.

        Raises:
            SecretUnreadable: no key of that id, or it was changed, or belongs to another row.
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
            f"A stored secret is encrypted with the key {key_id}, which the key file lacks.",
            hint="The operator puts the right key file back, or its value is ingested again.",
        )


def key_id_of(ciphertext: str) -> str:
    """Return the id of the key that a ciphertext needs."""
    version, _, rest = ciphertext.partition(":")
    return rest.partition(":")[0] if version == _VERSION else "?"
