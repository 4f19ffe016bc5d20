"""Processes: creation, change and deletion."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from au2.app.lookup import ensure_may, ensure_may_in, get_process, list_processes
from au2.app.validation import parse_description, parse_name, parse_tags
from au2.app.versions.choice import ensure_deletable
from au2.domain import clock as clocks
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.event import EventAction
from au2.domain.ids import make_guid
from au2.domain.jobs.job import RunSummary
from au2.domain.processes.version import Process, VersionSummary
from au2.stores.database import jobs, processes, versions
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.database.queries import Key


@dataclass(frozen=True, slots=True)
class ProcessSummary:
    """Versions and last run of a process."""

    versions: VersionSummary | None
    """None: the process has no versions."""
    last_run: RunSummary | None
    """None: never run in the context, or its jobs are not visible."""


class Processes:
    """Processes of a context."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_processes(
        self,
        actor: Actor,
        context: Context,
        *,
        name: str | None = None,
        tag: str | None = None,
        after: Key | None = None,
        limit: int | None = None,
    ) -> list[Process]:
        """Processes usable in ``context`` by name, or a part of them. Raises NotPermitted."""
        part = {"name": name, "tag": tag}
        action = Action.VIEW_PROCESS
        with self._database.read() as transaction:
            return list_processes(
                transaction, actor, action, context, **part, after=after, limit=limit
            )

    def summarize(
        self, actor: Actor, context: Context, found: Iterable[Process]
    ) -> dict[str, ProcessSummary]:
        """Return the summaries of some of the processes usable in ``context``, by id.

        Runs are those of exactly this context. Raises NotPermitted.
        """
        ensure_may(actor, Action.VIEW_PROCESS, context)
        ids = [process.id for process in found if context.sees(process.context)]
        runs: dict[str, RunSummary] = {}
        with self._database.read() as transaction:
            summaries = versions.summarize_versions(transaction, ids)
            # A member of a project uses the organization's processes, and sees none of its jobs.
            if actor.may(Action.VIEW_JOB, context):
                runs = jobs.find_last_runs(transaction, ids, context)
        return {one: ProcessSummary(summaries.get(one), runs.get(one)) for one in ids}

    def create(
        self,
        actor: Actor,
        context: Context,
        name: str,
        *,
        description: str = "",
        tags: Sequence[str] = (),
    ) -> Process:
        """Create a process without versions. Raises NotPermitted, InvalidRequest."""
        ensure_may_in(actor, Action.CREATE_PROCESS, context)
        process = make_process(
            actor, context, name, description=description, tags=tags, at=self._clock()
        )
        with self._database.write() as transaction:
            insert_process(transaction, process)
        return process

    def get(self, actor: Actor, process_id: str) -> Process:
        """One process. Raises NotFound."""
        with self._database.read() as transaction:
            return get_process(transaction, actor, Action.VIEW_PROCESS, process_id)

    def authorize(self, actor: Actor, process_id: str, action: Action) -> None:
        """Refuse unless the actor may do ``action``. Raises NotFound, NotPermitted."""
        with self._database.read() as transaction:
            get_process(transaction, actor, action, process_id)

    def update(
        self,
        actor: Actor,
        process_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Process:
        """Change the values given. Raises NotFound, NotPermitted, InvalidRequest."""
        with self._database.write() as transaction:
            process = get_process(transaction, actor, Action.UPDATE_PROCESS, process_id)
            processes.update_process(
                transaction,
                process.id,
                name=None if name is None else parse_name(name, "a process"),
                description=None if description is None else parse_description(description),
                tags=None if tags is None else parse_tags(tags),
                at=self._clock(),
                by=actor.email,
            )
            self._note(transaction, actor, EventAction.PROCESS_UPDATED, process)
            return get_process(transaction, actor, Action.VIEW_PROCESS, process_id)

    def delete(self, actor: Actor, process_id: str) -> None:
        """Delete a process; the records of its jobs stay. Raises NotFound, NotPermitted.

        Raises:
            Conflict: a version is published, or being made.
        """
        with self._database.write() as transaction:
            process = get_process(transaction, actor, Action.DELETE_PROCESS, process_id)
            for version in versions.list_versions(transaction, process.id):
                ensure_deletable(version)
            processes.delete_process(transaction, process.id, at=self._clock())
            self._note(transaction, actor, EventAction.PROCESS_DELETED, process)

    def _note(
        self, transaction: Transaction, actor: Actor, action: EventAction, process: Process
    ) -> None:
        subject = f"process:{process.id}"
        add_event(transaction, actor.email, action, subject, process.context, at=self._clock())


def make_process(
    actor: Actor,
    context: Context,
    name: str,
    *,
    description: str,
    at: datetime,
    tags: Sequence[str] = (),
) -> Process:
    """Return a new process. Raises InvalidRequest."""
    return Process(
        id=make_guid(),
        name=parse_name(name, "a process"),
        description=parse_description(description),
        context=context,
        tags=parse_tags(tags),
        created_at=at,
        created_by=actor.email,
        updated_at=at,
        updated_by=actor.email,
    )


def insert_process(transaction: Transaction, process: Process) -> None:
    """Insert a new process and its event."""
    processes.add_process(transaction, process)
    add_event(
        transaction,
        process.created_by,
        EventAction.PROCESS_CREATED,
        f"process:{process.id}",
        process.context,
        at=process.created_at,
        name=process.name,
    )
