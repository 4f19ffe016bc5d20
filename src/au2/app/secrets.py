"""Secrets of contexts: records for every member, values for admins and runs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from au2.app.lookup import ensure_may_in, get_own_secret, get_secret, list_secrets
from au2.app.secret_keys import ensure_keys
from au2.app.validation import parse_description
from au2.domain import clock as clocks
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.accounts.secret import Secret
from au2.domain.accounts.secret_name import VALUE_BYTES, find_secret_name_error
from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.event import EventAction
from au2.domain.ids import make_guid
from au2.domain.json_value import is_encodable
from au2.domain.wording import format_bytes
from au2.secrets.keyring import KeyFile, Keyring
from au2.stores.database import secrets
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.database.secrets import bound_to_secret


class Secrets:
    """The secrets of contexts.

    Secrets of the organization are visible in its projects; changed and downloaded are only a
    context's own. Calls raise NotFound for a missing secret, and NotPermitted for too weak a role.
    """

    def __init__(
        self, database: Database, keys: KeyFile, clock: Callable[[], datetime] = clocks.now
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    def list_secrets(self, actor: Actor, context: Context) -> list[Secret]:
        """Return all secrets usable in ``context``, by name."""
        with self._database.read() as transaction:
            return list_secrets(transaction, actor, Action.VIEW_SECRET, context)

    def get(self, actor: Actor, context: Context, name: str) -> Secret:
        """Return the secret of a name in ``context``."""
        with self._database.read() as transaction:
            return get_secret(transaction, actor, Action.VIEW_SECRET, context, name)

    def create(
        self,
        actor: Actor,
        context: Context,
        name: str,
        *,
        description: str = "",
        value: str | None = None,
    ) -> Secret:
        """Create a secret of ``context``, without a value unless one is given.

        Raises:
            InvalidRequest: the name or the value is not usable.
            Conflict: the context has a secret of this name.
        """
        ensure_may_in(actor, Action.CREATE_SECRET, context)
        if message := find_secret_name_error(name):
            raise InvalidRequest(f"{message}.")
        secret = self._make(actor, context, name, parse_description(description))
        sealed = None if value is None else self._seal(secret, value)
        with self._database.write() as transaction:
            if secrets.find_own_secret(transaction, context, name) is not None:
                raise Conflict(
                    f"There is already a secret '{name}' here.",
                    hint=f"Give it another value with: au2 secret ingest {name}",
                )
            secrets.add_secret(transaction, secret)
            self._note(transaction, actor, EventAction.SECRET_CREATED, secret)
            if sealed is not None:
                secret = self._keep(transaction, actor, secret, sealed)
        return secret

    def ingest(self, actor: Actor, context: Context, name: str, value: str) -> Secret:
        """Set or replace the value of one of the context's own secrets.

        Raises:
            InvalidRequest: the value is not usable.
        """
        action = Action.INGEST_SECRET
        with self._database.read() as transaction:
            secret = get_own_secret(transaction, actor, action, context, name)
        sealed = self._seal(secret, value)
        with self._database.write() as transaction:
            # It may have been deleted, and made anew, since.
            present = get_own_secret(transaction, actor, action, context, name)
            if present.id != secret.id:
                raise Conflict(f"The secret '{name}' was changed meanwhile.", hint="Try again.")
            return self._keep(transaction, actor, secret, sealed)

    def download(self, actor: Actor, context: Context, name: str) -> str:
        """Return the value of one of the context's own secrets, and record the download.

        Raises:
            NotFound: the context itself has no such secret, or the secret has no value.
            SecretUnreadable: the value can't be decrypted.
        """
        action = Action.DOWNLOAD_SECRET
        with self._database.read() as transaction:
            secret = get_own_secret(transaction, actor, action, context, name)
            ciphertext = secrets.find_ciphertext(transaction, secret.id)
        if ciphertext is None:
            raise NotFound(
                f"The secret '{name}' has no value.",
                hint=f"Give it one: au2 secret ingest {name}",
            )
        value = self._keys.ring().decrypt(ciphertext, bound_to=bound_to_secret(secret.id))
        with self._database.write() as transaction:
            self._note(transaction, actor, EventAction.SECRET_DOWNLOADED, secret)
        return value.decode()

    def delete(self, actor: Actor, context: Context, name: str) -> None:
        """Delete one of the context's own secrets with its value."""
        with self._database.write() as transaction:
            secret = get_own_secret(transaction, actor, Action.DELETE_SECRET, context, name)
            secrets.delete_secret(transaction, secret.id)
            self._note(transaction, actor, EventAction.SECRET_DELETED, secret)

    def _make(self, actor: Actor, context: Context, name: str, description: str) -> Secret:
        now = self._clock()
        return Secret(
            id=make_guid(),
            name=name,
            context=context,
            description=description,
            has_value=False,
            size_bytes=0,
            created_at=now,
            created_by=actor.email,
            updated_at=now,
            updated_by=actor.email,
        )

    def _seal(self, secret: Secret, value: str) -> tuple[str, int]:
        """Return the ciphertext and the length of a value. Raises InvalidRequest."""
        data = _check_value(value)
        return self._ring().encrypt(data, bound_to=bound_to_secret(secret.id)), len(data)

    def _ring(self) -> Keyring:
        """Return the keys; the first secret of an installation creates the first key."""
        ensure_keys(self._database, self._keys, self._clock())
        return self._keys.ring()

    def _keep(
        self, transaction: Transaction, actor: Actor, secret: Secret, sealed: tuple[str, int]
    ) -> Secret:
        ciphertext, size_bytes = sealed
        now = self._clock()
        secrets.set_ciphertext(
            transaction, secret.id, ciphertext, size_bytes=size_bytes, at=now, by=actor.email
        )
        self._note(transaction, actor, EventAction.SECRET_INGESTED, secret)
        return replace(
            secret, has_value=True, size_bytes=size_bytes, updated_at=now, updated_by=actor.email
        )

    def _note(
        self, transaction: Transaction, actor: Actor, action: EventAction, secret: Secret
    ) -> None:
        add_event(
            transaction,
            actor.email,
            action,
            f"secret:{secret.id}",
            secret.context,
            at=self._clock(),
            name=secret.name,
        )


def _check_value(value: str) -> bytes:
    """Return a value as bytes. Errors tell nothing of the value."""
    if not value:
        raise InvalidRequest("The value of a secret can't be empty.")
    if "\0" in value or not is_encodable(value):
        raise InvalidRequest(
            "The value is no text that a variable can hold: it has a NUL or half of a character.",
            hint="Encode it first, for example with base64.",
        )
    data = value.encode()
    if len(data) > VALUE_BYTES:
        raise InvalidRequest(
            f"The value is longer than {format_bytes(VALUE_BYTES)}.",
            hint="Store large values in a place that the code can read, and its address here.",
        )
    return data
