"""Keys of secrets: creation, and rotation while the server runs.

A rotation has three steps, and may be broken off between any two values. First the new key is put
in front of the old ones: all programs encrypt with the new key from then on, and can still decrypt
everything. Then every value is encrypted anew. Old keys stay in the file until a later rotation
finds them unneeded, so requests with the earlier keys in memory still end well.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from au2.domain import clock as clocks
from au2.domain.errors import Conflict, SecretUnreadable
from au2.domain.event import PLATFORM, EventAction
from au2.secrets.keyring import KeyFile, key_id_of
from au2.stores.database.database import Database
from au2.stores.database.events import add_event
from au2.stores.database.secrets import (
    Ciphertext,
    has_ciphertexts,
    list_ciphertexts,
    replace_ciphertext,
)

_KEEP_RETIRED = timedelta(days=1)
"""Longer than any use of a key that was read before a change."""
_BATCH = 100


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key and the number of values encrypted with it."""

    id: str
    made_at: datetime | None
    """None: the key file does not have it, so those values can't be read."""
    is_current: bool
    values: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """Result of a rotation."""

    key_id: str
    values: int
    """Encrypted anew."""
    unreadable: int
    """Left as they were, for no key decrypts them."""
    dropped: int
    """Keys that nothing needs any more."""


def ensure_keys(database: Database, keys: KeyFile, at: datetime) -> None:
    """Make the first key of an installation; harmless if there is one, or was one."""
    if keys.exists():
        return
    with database.read() as transaction:
        is_lost = has_ciphertexts(transaction)
    # A new key would hide that stored values can't be read any more.
    if not is_lost:
        keys.ensure(at)


class SecretKeys:
    """The keys of one installation: for the operator's own command."""

    def __init__(
        self, database: Database, keys: KeyFile, clock: Callable[[], datetime] = clocks.now
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    def create(self) -> None:
        """Create a missing key file, also where values need a lost one. Raises Conflict."""
        if self._keys.exists():
            raise Conflict(
                "There is a key file already.",
                hint="Change to another key with: au2-server secret-key rotate",
            )
        self._keys.ensure(self._clock())
        self._note(EventAction.SECRET_KEY_CREATED)

    def list_keys(self) -> list[KeyUse]:
        """All keys, the encrypting one first; then the missing keys of stored values.

        Raises:
            SecretUnreadable: there is no usable key file.
        """
        needed = Counter(key_id_of(ciphertext.text) for ciphertext in self._ciphertexts())
        found = [
            KeyUse(dated.key.id, dated.made_at, number == 0, needed.pop(dated.key.id, 0))
            for number, dated in enumerate(self._keys.read())
        ]
        return found + [KeyUse(key_id, None, False, count) for key_id, count in needed.items()]

    def rotate(self) -> Rotation:
        """Change to a new key. May be broken off, and called again.

        Raises:
            SecretUnreadable: there is no usable key file.
        """
        dropped = self._drop_retired()
        key_id = self._keys.add(self._clock()).id
        self._note(EventAction.SECRET_KEY_ADDED, key=key_id)
        values, unreadable = 0, set[str]()
        while waiting := [
            ciphertext
            for ciphertext in self._ciphertexts()
            if key_id_of(ciphertext.text) != key_id and ciphertext.bound_to not in unreadable
        ]:
            values += self._encrypt_anew(waiting[:_BATCH], unreadable)
        self._note(EventAction.SECRET_KEY_ROTATED, key=key_id, values=values)
        return Rotation(key_id, values, len(unreadable), dropped)

    def _encrypt_anew(self, batch: Sequence[Ciphertext], unreadable: set[str]) -> int:
        """Return the number of replaced values; a value changed meanwhile comes again."""
        ring = self._keys.ring()
        pairs: list[tuple[str, str]] = []
        for old in batch:
            try:
                value = ring.decrypt(old.text, bound_to=old.bound_to)
            except SecretUnreadable:
                unreadable.add(old.bound_to)
            else:
                pairs.append((old.text, ring.encrypt(value, bound_to=old.bound_to)))
        with self._database.write() as transaction:
            return sum(replace_ciphertext(transaction, old, new) for old, new in pairs)

    def _drop_retired(self) -> int:
        """Drop unneeded keys that were retired long enough ago; return their number."""
        needed = {key_id_of(ciphertext.text) for ciphertext in self._ciphertexts()}
        until = self._clock() - _KEEP_RETIRED
        keys = self._keys.read()
        # A key was retired when the one before it in the file was made.
        retired = {
            old.key.id
            for new, old in pairwise(keys)
            if new.made_at < until and old.key.id not in needed
        }
        if retired:
            self._keys.drop(retired)
        return len(retired)

    def _ciphertexts(self) -> Sequence[Ciphertext]:
        with self._database.read() as transaction:
            return list_ciphertexts(transaction)

    def _note(self, action: EventAction, **data: Any) -> None:
        with self._database.write() as transaction:
            add_event(transaction, PLATFORM, action, "secret-key", at=self._clock(), **data)
