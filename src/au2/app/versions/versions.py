"""Process versions."""

from collections.abc import Callable
from datetime import datetime

from au2.app.permissions import ensure_may
from au2.app.processes.processes import get_visible
from au2.app.validation import parse_description
from au2.app.versions.contracts import check_contract
from au2.app.versions.hints import explain_upload, process_command
from au2.domain import clock as clocks
from au2.domain.errors import Conflict, NotFound
from au2.domain.event import EventAction
from au2.domain.identity import Action, Actor
from au2.domain.process import Process
from au2.domain.version import Contract, ImageStatus, Version, VersionType
from au2.domain.version_choice import ChoiceRule, NewerVersion, VersionChoice
from au2.stores.database import processes, versions
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event

_IN_THE_WORKS = {ImageStatus.UPLOADING, ImageStatus.BUILDING}
_LARGEST_NUMBER = 2**31 - 1


class Versions:
    """The versions of processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_versions(self, actor: Actor, process_id: str) -> list[Version]:
        """All versions of a process, oldest first. Raises NotFound."""
        with self._database.read() as transaction:
            process = get_visible(transaction, actor, process_id)
            return versions.list_versions(transaction, process.id)

    def get(self, actor: Actor, process_id: str, number: int) -> Version:
        """One version. Raises NotFound."""
        with self._database.read() as transaction:
            return get_version(transaction, get_visible(transaction, actor, process_id), number)

    def get_default(self, actor: Actor, process_id: str, *, latest: bool = False) -> Version:
        """The version that a run takes where none is named, or that takes the latest.

        Raises:
            NotFound: the process is foreign or missing.
            Conflict: it has no version with an image.
        """
        with self._database.read() as transaction:
            process = get_visible(transaction, actor, process_id)
            version, _ = choose_version(transaction, process, None, latest=latest)
            return version

    def get_newest_upload(self, actor: Actor, process_id: str) -> Version:
        """The newest version that something was uploaded to, whatever has become of its image.

        Raises:
            NotFound: the process is foreign or missing, or nothing was uploaded to it.
        """
        with self._database.read() as transaction:
            process = get_visible(transaction, actor, process_id)
            version = versions.find_newest_upload(transaction, process.id)
            if version is None:
                raise NotFound(
                    f"Nothing was uploaded to the process '{process.name}' yet.",
                    hint=_explain_first_upload(transaction, process),
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
        """Make a version that waits for an image and has its contract already.

        Raises:
            NotFound, NotPermitted: the process is not the actor's to add to.
            InvalidRequest: the contract can't be used; with every mistake.
            Conflict: too many schemas are being checked that take long.
        """
        now = self._clock()
        chosen = contract or Contract()
        with self._database.read() as transaction:
            # Before the check, which costs something.
            process = get_visible(transaction, actor, process_id)
            ensure_may(actor, Action.CREATE_VERSION, process.context)
        check_contract(chosen)
        with self._database.write() as transaction:
            process = get_visible(transaction, actor, process_id)
            ensure_may(actor, Action.CREATE_VERSION, process.context)
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

    def publish(self, actor: Actor, process_id: str, number: int) -> Version:
        """Publish a version; doing so again keeps who and when.

        Raises:
            NotFound: it is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: it has no image yet.
        """
        now = self._clock()
        with self._database.write() as transaction:
            process, version = self._get_own(
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
        """Take a publication back. Harmless if there is none. Raises NotFound, NotPermitted."""
        now = self._clock()
        with self._database.write() as transaction:
            process, version = self._get_own(
                transaction, actor, Action.PUBLISH_VERSION, process_id, number
            )
            if version.published_at is not None:
                versions.set_published(transaction, version, at=None, by=None)
                note_version(
                    transaction, actor, EventAction.VERSION_UNPUBLISHED, process, number, at=now
                )
            return get_version(transaction, process, number)

    def delete(self, actor: Actor, process_id: str, number: int) -> None:
        """Delete a version; its number is not given again.

        Raises:
            NotFound: it is foreign or missing.
            NotPermitted: the actor is no developer.
            Conflict: it is published, or being made.
        """
        now = self._clock()
        with self._database.write() as transaction:
            process, version = self._get_own(
                transaction, actor, Action.DELETE_VERSION, process_id, number
            )
            if version.published_at is not None:
                raise Conflict(f"Version {number} is published.", hint="Unpublish it first.")
            if version.image_status in _IN_THE_WORKS:
                raise Conflict(
                    f"Version {number} is being made ({version.image_status}).",
                    hint=f"Wait for job {version.upload_job_id}, or stop it.",
                )
            versions.delete_version(transaction, version, at=now)
            note_version(transaction, actor, EventAction.VERSION_DELETED, process, number, at=now)

    def _get_own(
        self, transaction: Transaction, actor: Actor, action: Action, process_id: str, number: int
    ) -> tuple[Process, Version]:
        process = get_visible(transaction, actor, process_id)
        ensure_may(actor, action, process.context)
        return process, get_version(transaction, process, number)


def get_version(transaction: Transaction, process: Process, number: int) -> Version:
    """One version of a process that is visible. Raises NotFound."""
    version = None
    if 0 < number <= _LARGEST_NUMBER:
        version = versions.find_version(transaction, process.id, number)
    if version is None:
        raise NotFound(
            f"The process '{process.name}' has no version {number}.",
            hint=f"See: {process_command('version list', process)}",
        )
    return version


def choose_version(
    transaction: Transaction, process: Process, number: int | None, *, latest: bool = False
) -> tuple[Version, VersionChoice]:
    """The version that a run takes, and why: ``number``, or the latest, or else the default one.

    Raises:
        NotFound: there is no such version.
        Conflict: it has no image, or none has one.
    """
    if number is not None:
        version = get_version(transaction, process, number)
        ensure_available(process, version, hint=_explain_lack(process, version))
        return version, VersionChoice(ChoiceRule.STATED)
    find = versions.find_newest_available if latest else versions.find_default_version
    chosen = find(transaction, process.id)
    if chosen is None:
        raise Conflict(
            f"The process '{process.name}' has no version with an image yet.",
            hint=_explain_first_upload(transaction, process),
        )
    rule = ChoiceRule.AVAILABLE if chosen.published_at is None else ChoiceRule.PUBLISHED
    newer = _list_newer(transaction, process, chosen)
    return chosen, VersionChoice(ChoiceRule.LATEST if latest else rule, newer)


def _list_newer(
    transaction: Transaction, process: Process, chosen: Version
) -> tuple[NewerVersion, ...]:
    """The newest version with an image and the newest of all, as far as newer than ``chosen``."""
    newest = versions.find_newest(transaction, process.id)
    if newest is None or newest.number == chosen.number:
        return ()
    found = [newest]
    if newest.image_status is not ImageStatus.AVAILABLE:
        available = versions.find_newest_available(transaction, process.id)
        if available is not None and available.number > chosen.number:
            found.insert(0, available)
    return tuple(
        NewerVersion(version.number, version.image_status, version.upload_job_id)
        for version in found
    )


def _explain_first_upload(transaction: Transaction, process: Process) -> str:
    newest = versions.find_newest(transaction, process.id)
    if newest is None:
        return "Upload a package: au2 process repo upload"
    return _explain_lack(process, newest)


def _explain_lack(process: Process, version: Version) -> str:
    """Say what to do about a version that has no image."""
    job = version.upload_job_id
    if version.image_status in _IN_THE_WORKS:
        run = process_command("run", process)
        return f"Run it once it is built: {run} --ver {version.number} --wait-for-build"
    if job is not None:
        return f"See why its upload failed: au2 job show {job}"
    return explain_upload(process, version)


def ensure_available(process: Process, version: Version, *, hint: str | None = None) -> None:
    """Raise Conflict, with ``hint`` if one is given, unless the version has its image."""
    if version.image_status is ImageStatus.AVAILABLE:
        return
    if hint is None and version.upload_job_id is not None:
        hint = f"See its upload: au2 job show {version.upload_job_id}"
    raise Conflict(
        f"Version {version.number} of '{process.name}' is {version.image_status}, not AVAILABLE.",
        hint=hint or explain_upload(process, version),
    )


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
    add_event(
        transaction,
        at=at,
        actor=actor.email,
        action=action,
        subject=f"version:{process.id}:{number}",
        organization_id=process.context.organization_id,
    )
