"""Versions of processes: creation with a checked contract, publication and deletion."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from au2.app.jobs.run_requests import check_environment
from au2.app.lookup import get_process, get_process_version, get_version
from au2.app.validation import parse_description
from au2.app.versions.choice import choose_version, ensure_deletable, explain_first_upload
from au2.domain import clock as clocks
from au2.domain.accounts.identity import Action, Actor
from au2.domain.accounts.secret_name import REFERENCE_KEY, find_secret_name_error
from au2.domain.errors import Conflict, Detail, InvalidRequest, NotFound
from au2.domain.event import EventAction
from au2.domain.json_value import find_json_error, format_pointer
from au2.domain.processes.version import Contract, ImageStatus, Process, Version, VersionType
from au2.domain.wording import format_bytes
from au2.package.environment import find_name_error
from au2.package.schemas import find_object_schema_violations
from au2.package.text import TEXT_BYTES
from au2.package.tree.paths import MOST_ERRORS
from au2.stores.database import processes, versions
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.database.queries import Key


class Versions:
    """The versions of processes.

    Calls raise NotFound for a foreign or missing process or version, and NotPermitted for too weak
    a role.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_versions(
        self,
        actor: Actor,
        process_id: str,
        *,
        after: Key | None = None,
        limit: int | None = None,
    ) -> list[Version]:
        """Return the versions of a process, or a part of them, oldest first."""
        with self._database.read() as transaction:
            process = get_process(transaction, actor, Action.VIEW_PROCESS, process_id)
            return versions.list_versions(transaction, process.id, after=after, limit=limit)

    def get(self, actor: Actor, process_id: str, number: int) -> Version:
        """Return one version."""
        with self._database.read() as transaction:
            action = Action.VIEW_PROCESS
            return get_process_version(transaction, actor, action, process_id, number)[1]

    def get_default(self, actor: Actor, process_id: str, *, latest: bool = False) -> Version:
        """Return the version of a run without a number. Raises Conflict: none has an image."""
        with self._database.read() as transaction:
            process = get_process(transaction, actor, Action.VIEW_PROCESS, process_id)
            version, _ = choose_version(transaction, process, None, latest=latest)
            return version

    def get_newest_upload(self, actor: Actor, process_id: str) -> Version:
        """Return the newest version with an upload, whatever the outcome of its build."""
        with self._database.read() as transaction:
            process = get_process(transaction, actor, Action.VIEW_PROCESS, process_id)
            version = versions.find_newest_upload(transaction, process.id)
            if version is None:
                raise NotFound(
                    f"Nothing was uploaded to the process '{process.name}' yet.",
                    hint=explain_first_upload(transaction, process),
                )
            return version

    def create_image_version(
        self,
        actor: Actor,
        process_id: str,
        *,
        description: str = "",
        contract: Contract | None = None,
    ) -> Version:
        """Create a version that waits for an image and has its contract already.

        Raises:
            InvalidRequest: the contract is not valid; with every violation.
            Conflict: too many long checks of schemas are running.
        """
        now = self._clock()
        chosen = contract or Contract()
        with self._database.read() as transaction:
            # Before the check, which costs something.
            process = get_process(transaction, actor, Action.CREATE_VERSION, process_id)
        check_contract(chosen)
        with self._database.write() as transaction:
            process = get_process(transaction, actor, Action.CREATE_VERSION, process_id)
            version = Version(
                process_id=process.id,
                number=processes.take_version_number(transaction, process.id),
                type=VersionType.IMAGE,
                description=parse_description(description),
                image_status=ImageStatus.NONE,
                image_digest=None,
                created_at=now,
                created_by=actor.email,
                environment=chosen.environment,
                args_schema=chosen.args_schema,
                out_schema=chosen.out_schema,
            )
            versions.add_version(transaction, version)
            note_version(
                transaction, actor, EventAction.VERSION_CREATED, process, version.number, at=now
            )
        return version

    def update(self, actor: Actor, process_id: str, number: int, *, description: str) -> Version:
        """Replace the description of a version. Raises InvalidRequest."""
        now = self._clock()
        with self._database.write() as transaction:
            action = Action.UPDATE_PROCESS
            process, version = get_process_version(transaction, actor, action, process_id, number)
            versions.set_description(transaction, version, parse_description(description))
            note_version(transaction, actor, EventAction.VERSION_UPDATED, process, number, at=now)
            return get_version(transaction, process, number)

    def publish(self, actor: Actor, process_id: str, number: int) -> Version:
        """Publish a version; an earlier publication stays. Raises Conflict: no image yet."""
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_process_version(
                transaction, actor, Action.PUBLISH_VERSION, process_id, number
            )
            if version.image_status is not ImageStatus.AVAILABLE:
                raise Conflict(
                    f"Version {number} is {version.image_status}, not AVAILABLE.",
                    hint="Only a version with an image can be published.",
                )
            if version.published_at is None:
                versions.set_published(transaction, version, at=now, by=actor.email)
                note_version(
                    transaction, actor, EventAction.VERSION_PUBLISHED, process, number, at=now
                )
            return get_version(transaction, process, number)

    def unpublish(self, actor: Actor, process_id: str, number: int) -> Version:
        """Take a publication back. Harmless if there is none."""
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_process_version(
                transaction, actor, Action.PUBLISH_VERSION, process_id, number
            )
            if version.published_at is not None:
                versions.set_published(transaction, version, at=None, by=None)
                note_version(
                    transaction, actor, EventAction.VERSION_UNPUBLISHED, process, number, at=now
                )
            return get_version(transaction, process, number)

    def delete(self, actor: Actor, process_id: str, number: int) -> None:
        """Delete a version; its number stays unused. Raises Conflict: published, or being made."""
        now = self._clock()
        with self._database.write() as transaction:
            process, version = get_process_version(
                transaction, actor, Action.DELETE_VERSION, process_id, number
            )
            ensure_deletable(version)
            versions.delete_version(transaction, version, at=now)
            note_version(transaction, actor, EventAction.VERSION_DELETED, process, number, at=now)


def note_version(
    transaction: Transaction,
    actor: Actor,
    action: EventAction,
    process: Process,
    number: int,
    *,
    at: datetime,
) -> None:
    """Write an event about a version."""
    subject = f"version:{process.id}:{number}"
    add_event(transaction, actor.email, action, subject, process.context, at=at)


def check_contract(contract: Contract) -> None:
    """Refuse a contract with violations of the rules for packages.

    Raises:
        InvalidRequest: with every violation and its JSON Pointer.
        Conflict: too many long checks of schemas are running.
    """
    violations = [
        *_find_schema_violations("args_schema", contract.args_schema),
        *_find_schema_violations("out_schema", contract.out_schema),
        *_find_environment_violations(contract.environment or {}),
    ]
    if violations:
        raise InvalidRequest("The version's contract has errors.", details=violations[:MOST_ERRORS])


def _find_schema_violations(field: str, schema: Mapping[str, Any] | None) -> Iterator[Detail]:
    if schema is None:
        return
    # Looked at first: what is no JSON can't be measured.
    if message := find_json_error(schema):
        yield Detail(f"this is no JSON: {message}", f"/{field}")
    elif len(json.dumps(schema, ensure_ascii=False).encode()) > TEXT_BYTES:
        yield Detail(f"the schema is larger than {format_bytes(TEXT_BYTES)}", f"/{field}")
    else:
        for violation in find_object_schema_violations(schema, patient=False):
            yield replace(violation, pointer=f"/{field}{violation.pointer or ''}")


def _find_environment_violations(environment: Mapping[str, Any]) -> Iterator[Detail]:
    texts = {name: value for name, value in environment.items() if isinstance(value, str)}
    try:
        check_environment(texts, any_name=True)
    except InvalidRequest as error:
        yield from error.details
    for name, value in environment.items():
        if name in texts:
            continue
        message = find_name_error(name, any_name=True) or _find_reference_violation(value)
        if message is not None:
            yield Detail(message, format_pointer(("environment", name)))


def _find_reference_violation(value: Any) -> str | None:
    secret = value.get(REFERENCE_KEY) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(secret, str):
        return "the value must be a text, or {secret: NAME}"
    return find_secret_name_error(secret)
