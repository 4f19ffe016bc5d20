"""Runtimes: the base images of packages."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from au2.app.lookup import find_context, get_named_runtime, get_runtime, list_runtimes
from au2.domain import clock as clocks
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import Conflict, NotFound
from au2.domain.event import PLATFORM, EventAction
from au2.domain.ids import parse_guid
from au2.domain.jobs.container_contract import Language
from au2.domain.processes.runtime import Runtime, RuntimeBuild
from au2.domain.processes.version import RuntimeReference
from au2.stores.database import runtimes
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event

_LARGEST_VERSION = 2**31 - 1


class Runtimes:
    """Runtimes and their versions."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = clocks.now) -> None:
        self._database = database
        self._clock = clock

    def list_runtimes(
        self, actor: Actor, context: Context, *, name: str | None = None
    ) -> list[Runtime]:
        """Runtimes usable in ``context``. Raises NotPermitted."""
        with self._database.read() as transaction:
            return list_runtimes(transaction, actor, Action.VIEW_RUNTIME, context, name=name)

    def get_build(self, actor: Actor, runtime_id: str) -> tuple[Runtime, RuntimeBuild | None]:
        """One runtime, also a retired one, and its newest version. Raises NotFound."""
        with self._database.read() as transaction:
            runtime = get_runtime(transaction, actor, Action.VIEW_RUNTIME, runtime_id)
            return runtime, runtimes.find_build(transaction, runtime.id, runtime.version)

    def resolve(
        self, actor: Actor, context: Context, text: str, version: int | None = None
    ) -> RuntimeReference:
        """Return the runtime version of a GUID or name, and of a number; None: the newest.

        Raises:
            NotFound: no such runtime or version in this context.
            Conflict: several runtimes have the name (the error lists them), or the runtime is
                retired.
        """
        with self._database.read() as transaction:
            runtime = get_named_runtime(transaction, actor, Action.VIEW_RUNTIME, context, text)
            if version is None or version == runtime.version:
                return RuntimeReference(runtime.id, runtime.version, runtime.image_digest)
            digest = None
            if 0 < version <= _LARGEST_VERSION:
                digest = runtimes.find_runtime_image(transaction, runtime.id, version)
        if digest is None:
            raise NotFound(
                f"The runtime '{runtime.name}' has no version {version}.",
                hint=f"Its newest is {runtime.version}.",
            )
        return RuntimeReference(runtime.id, version, digest)

    def register_build(
        self,
        *,
        runtime_id: str,
        name: str,
        language: Language,
        first_version: int,
        image_digest: str,
        recipe_digest: str,
        packages: Sequence[Any] = (),
        context: Context | None = None,
    ) -> Runtime:
        """Note a built base image as a runtime's newest version: for the operator's own command.

        The present newest image again makes no new version. A retired runtime is brought back.

        Raises:
            NotFound: there is no such organization or project.
            Conflict: the runtime has another owner.
        """
        now = self._clock()
        guid = parse_guid(runtime_id)
        with self._database.write() as transaction:
            _check_owner(transaction, guid, name, context)
            runtimes.ensure_runtime(
                transaction, runtime_id=guid, name=name, language=language, context=context, at=now
            )
            runtimes.retire_runtime(transaction, guid, at=None)
            version = runtimes.add_runtime_version(
                transaction,
                runtime_id=guid,
                first_version=first_version,
                image_digest=image_digest,
                recipe_digest=recipe_digest,
                packages=packages,
                at=now,
            )
            add_event(
                transaction,
                PLATFORM,
                EventAction.RUNTIME_BUILT,
                f"runtime:{guid}",
                context,
                at=now,
                version=version,
                image_digest=image_digest,
            )
            built = runtimes.find_runtime(transaction, guid)
        if built is None:
            raise NotFound(f"There is no runtime {guid}.")
        return built

    def check_owner(self, runtime_id: str, name: str, context: Context | None) -> None:
        """Raise the errors of :meth:`register_build` before a long build."""
        with self._database.read() as transaction:
            _check_owner(transaction, parse_guid(runtime_id), name, context)

    def retire(self, runtime_id: str) -> Runtime:
        """Take a runtime out of use for new versions: for the operator's own command.

        Versions built on it run as before.

        Raises:
            NotFound: there is no such runtime.
        """
        now = self._clock()
        with self._database.write() as transaction:
            found = runtimes.find_runtime(transaction, parse_guid(runtime_id))
            if found is None:
                raise NotFound(f"There is no runtime {runtime_id}.")
            if found.retired_at is not None:
                return found
            runtimes.retire_runtime(transaction, found.id, at=now)
            add_event(
                transaction,
                PLATFORM,
                EventAction.RUNTIME_RETIRED,
                f"runtime:{found.id}",
                found.context,
                at=now,
                version=found.version,
            )
        return replace(found, retired_at=now)


def _check_owner(
    transaction: Transaction, runtime_id: str, name: str, context: Context | None
) -> None:
    present = runtimes.find_runtime(transaction, runtime_id)
    if present is not None and present.context != context:
        raise Conflict(
            f"The runtime '{name}' is here already, for {_owner_words(present.context)}, not for "
            f"{_owner_words(context)}.",
            hint="Build it for the same owner, or give the recipe an id of its own.",
        )
    if context is None:
        return
    organization, project = find_context(transaction, context)
    is_there = organization is not None and (
        context.project_id is None
        or (project is not None and project.organization_id == context.organization_id)
    )
    if not is_there:
        raise NotFound(
            f"The runtime '{name}' is for {_owner_words(context)}, which this installation does "
            "not have.",
            hint="Give it to one that is here, with --organization ID and perhaps --project ID, or "
            "to all with --everybody. A new installation gets these ids by 'au2-server init "
            "--organization NAME --organization-id ID --project NAME --project-id ID'.",
        )


def _owner_words(context: Context | None) -> str:
    if context is None:
        return "everybody"
    if context.project_id is None:
        return f"the organization {context.organization_id}"
    return f"the project {context.project_id} of the organization {context.organization_id}"
