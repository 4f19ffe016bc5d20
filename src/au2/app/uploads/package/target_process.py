"""Process of a package upload: an existing or a new one."""

from dataclasses import dataclass
from datetime import datetime

from au2.app.lookup import get_named_process, list_own_processes
from au2.app.permissions import ensure_may_in
from au2.app.processes.processes import make_process
from au2.app.validation import parse_name
from au2.domain.context import Context
from au2.domain.errors import Conflict, Detail, InvalidRequest
from au2.domain.identity import Action, Actor
from au2.domain.ids import parse_guid
from au2.domain.process import NO_PROCESS, Process
from au2.stores.database.database import Transaction
from au2.wire.upload import UploadCreation


@dataclass(frozen=True, slots=True)
class ChosenProcess:
    """The process of an upload."""

    process: Process
    is_new: bool
    """It is not stored yet."""


def choose_process(
    transaction: Transaction, actor: Actor, context: Context, creation: UploadCreation, at: datetime
) -> ChosenProcess:
    """Return the process that ``creation`` names, or a new one.

    The choice holds only in ``transaction``: what is done with it belongs into the same one.

    Raises:
        InvalidRequest: neither an id nor a name is given, or both.
        NotFound: there is no process of that id here.
        NotPermitted: the actor may not upload to it, or may not make one.
        Conflict: several processes have that name, or not the one that was expected.
    """
    if (creation.process is None) == (creation.name is None):
        raise InvalidRequest("Give either the id of a process or a name, not both.")
    if creation.process is not None:
        if creation.new or creation.expected_process is not None:
            raise InvalidRequest("'new' and 'expected_process' go with 'name' only.")
        return _by_id(transaction, actor, context, creation.process)
    return _by_name(transaction, actor, context, creation, at)


def _by_id(
    transaction: Transaction, actor: Actor, context: Context, process_id: str
) -> ChosenProcess:
    wanted, action = parse_guid(process_id), Action.UPLOAD_VERSION
    process = get_named_process(transaction, actor, action, context, wanted)
    return ChosenProcess(process, is_new=False)


def _by_name(
    transaction: Transaction, actor: Actor, context: Context, creation: UploadCreation, at: datetime
) -> ChosenProcess:
    name = parse_name(creation.name or "", "a process")
    named = (
        []
        if creation.new
        else list_own_processes(transaction, actor, Action.UPLOAD_VERSION, context, name)
    )
    if len(named) > 1:
        raise Conflict(
            f"{len(named)} processes are named '{name}' in this context.",
            hint="Choose one with --process ID, or make another with --new.",
            details=[Detail(process.id) for process in named],
        )
    found = named[0] if named else None
    _ensure_expected(creation.expected_process, name, found)
    if found is not None:
        return ChosenProcess(found, is_new=False)
    ensure_may_in(actor, Action.CREATE_PROCESS, context)
    made = make_process(actor, context, name, description=creation.description, at=at)
    return ChosenProcess(made, is_new=True)


def _ensure_expected(expected: str | None, name: str, found: Process | None) -> None:
    if expected is None or expected == (NO_PROCESS if found is None else found.id):
        return
    raise Conflict(
        f"Which process is named '{name}' has changed in the meantime: "
        + ("there is none now." if found is None else f"now it is {found.id}."),
        hint="Try again.",
    )
