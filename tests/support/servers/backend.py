"""Backend of an installation in one process: real stores, use cases, a clock that tests set."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import update

from au2.app.services import ServiceOptions, Services, make_services
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Actor
from au2.domain.jobs.container_contract import Language
from au2.domain.jobs.job import Claim, Job, JobState, Outcome, StateChange
from au2.domain.processes.version import BuiltImage, Contract, ImageStatus, VersionType
from au2.http.app import ApiOptions, make_app
from au2.secrets.keyring import KeyFile
from au2.stores.content.filesystem import FileContentStore
from au2.stores.database import claims, job_changes, tables, versions
from au2.stores.database.database import Database
from au2.stores.logs.files import FileLogStore
from au2.stores.logs.protocol import LogWriter
from au2.stores.notices import FolderNotices
from au2.wire.upload import ContentHeader, FileEntry, UploadCreation, format_header

PASSWORD = "a password of enough length"
OPERATOR = "operator@example.com"
IMAGE = "sha256:" + "ab" * 32


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass(slots=True)
class Backend:
    """Stores and use cases below the API, with short ways to create objects in them."""

    folder: Path
    clock: Clock
    database: Database
    blobs: FileContentStore
    logs: FileLogStore
    notices: FolderNotices
    services: Services
    operator: Actor
    tokens: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    """Of organizations, as they were asked for."""

    def app(
        self, options: ApiOptions | None = None, *, stopping: threading.Event | None = None
    ) -> FastAPI:
        return make_app(self.services, self.notices, self.logs, options, stopping=stopping)

    def actor(self, email: str) -> Actor:
        """The user as of now (memberships change)."""
        return self.services.accounts.actor_of(email)

    def token(self, email: str) -> str:
        if email not in self.tokens:
            found = self.services.accounts.login(email, PASSWORD)
            self.tokens[email] = found.secret
        return self.tokens[email]

    def bearer(self, email: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(email)}"}

    def organization(self, name: str = "Acme", project: str | None = "Forecast") -> Context:
        """A new organization of the operator; the context of its project, if it has one.

        A name that is taken gets a number.
        """
        number = self.names.count(name)
        self.names.append(name)
        name = f"{name} {number + 1}" if number else name
        made = self.services.organizations.create_organization(self.actor(OPERATOR), name)
        if project is None:
            return Context(made.id)
        below = self.services.organizations.create_project(self.actor(OPERATOR), made.id, project)
        return Context(made.id, below.id)

    def user(self, email: str, role: str | None = None, context: Context | None = None) -> Actor:
        """A user with a known password, and a role if one is given."""
        try:
            self.services.accounts.actor_of(email)
        except Exception:
            self.services.accounts.add_user(email, PASSWORD)
        if role is not None and context is not None:
            self.services.members.add(self.actor(OPERATOR), context, email, role)
        return self.actor(email)

    def runtime(self, name: str = "Python3.11", context: Context | None = None) -> str:
        built = self.services.runtimes.register_build(
            runtime_id=_guid_of(name, context),
            name=name,
            language=Language.PYTHON,
            first_version=4,
            image_digest=IMAGE,
            recipe_digest=IMAGE,
            context=context,
        )
        return built.id

    def process(self, context: Context, name: str = "hello") -> str:
        return self.services.processes.create(self.actor(OPERATOR), context, name).id

    def version(
        self,
        process_id: str,
        status: ImageStatus = ImageStatus.AVAILABLE,
        *,
        args_schema: dict[str, Any] | None = None,
        image_digest: str = IMAGE,
        kind: VersionType = VersionType.IMAGE,
    ) -> int:
        """A version whose image is as far as ``status`` says."""
        made = self.services.versions.create_image_version(
            self.actor(OPERATOR), process_id, contract=Contract(args_schema=args_schema)
        )
        way = {
            ImageStatus.NONE: (),
            ImageStatus.UPLOADING: (ImageStatus.UPLOADING,),
            ImageStatus.BUILDING: (ImageStatus.UPLOADING, ImageStatus.BUILDING),
            ImageStatus.FAILED: (ImageStatus.UPLOADING, ImageStatus.FAILED),
            ImageStatus.AVAILABLE: (
                ImageStatus.UPLOADING,
                ImageStatus.BUILDING,
                ImageStatus.AVAILABLE,
            ),
        }[status]
        for step in way:
            with self.database.write() as transaction:
                present = versions.find_version(transaction, process_id, made.number)
                assert present is not None
                built = BuiltImage(image_digest)
                image = built if step is ImageStatus.AVAILABLE else None
                versions.change_image_status(transaction, present, step, image=image)
        with self.database.write() as transaction:
            of_version = (tables.versions.c.process_id == process_id) & (
                tables.versions.c.number == made.number
            )
            transaction.execute(update(tables.versions).where(of_version).values(type=kind.value))
        return made.number

    def log(self, job_id: int) -> LogWriter:
        """The writer of the log of a job's first attempt, as its dispatcher would be."""
        return self.logs.writer(job_id, 1, 1)

    def append_log(self, job_id: int, data: bytes) -> None:
        """Let a job print these records."""
        log = self.log(job_id)
        log.append(data, at=log.size_bytes())

    def claim(self, job_id: int) -> Claim:
        """Take the job as a dispatcher would, and begin to run it."""
        with self.database.write() as transaction:
            taken = claims.take_claims(
                transaction, "dispatcher-1", limit=100, at=self.clock(), lease_seconds=60
            )
            claim = next(claim for claim in taken if claim.job.id == job_id)
            change = StateChange.start(self.clock())
            job_changes.change_state(
                transaction, claim.job, change, fencing_token=claim.fencing_token
            )
        return claim

    def end(self, claim: Claim, outcome: Outcome, output: Any = None) -> None:
        """End a claimed job, its attempt too, and tell."""
        with self.database.write() as transaction:
            job_changes.update_attempt(
                transaction,
                claim.job.id,
                claim.attempt.number,
                phases=(),
                outcome=outcome,
                ended_at=self.clock(),
            )
            change = StateChange.end(JobState.RUNNING, outcome, self.clock())
            job_changes.change_state(
                transaction, claim.job, change, fencing_token=claim.fencing_token, output=output
            )
        self.notices.send(f"job:{claim.job.id}")

    def job(self, job_id: int) -> Job:
        return self.services.jobs.get(self.actor(OPERATOR), job_id)


def _guid_of(name: str, context: Context | None) -> str:
    digits = sha256(f"{name}{context}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


@cache
def _migrated_database() -> bytes:
    """An empty database; migrating takes longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "au2.sqlite3"
        database = Database.open_file(file)
        database.migrate()
        database.close()
        return file.read_bytes()


@contextmanager
def open_backend(
    folder: Path, options: ServiceOptions | None = None, *, busy_seconds: float = 30.0
) -> Iterator[Backend]:
    """Open a new backend in ``folder``, with one operator."""
    clock = Clock()
    (folder / "database").mkdir(mode=0o700)
    (folder / "database" / "au2.sqlite3").write_bytes(_migrated_database())
    file = folder / "database" / "au2.sqlite3"
    database = Database.open_file(file, busy_seconds=busy_seconds)
    blobs = FileContentStore(folder / "blobs")
    notices = FolderNotices(folder / "notices", "api")
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    services = make_services(
        database,
        blobs,
        notices,
        options,
        keys=KeyFile(folder / "secrets.key"),
        clock=clock,
        hasher=hasher,
    )
    services.accounts.add_user(OPERATOR, PASSWORD, is_operator=True)
    yield Backend(
        folder=folder,
        clock=clock,
        database=database,
        blobs=blobs,
        logs=FileLogStore(folder / "logs"),
        notices=notices,
        services=services,
        operator=services.accounts.actor_of(OPERATOR),
    )
    notices.close()
    database.close()


def entry(path: str, content: bytes) -> FileEntry:
    """A file of a list."""
    return FileEntry(path=path, size_bytes=len(content), sha256=sha256(content).hexdigest())


def creation(files: dict[str, bytes], runtime: str, **fields: Any) -> UploadCreation:
    """The body that begins an upload of ``files`` as a new process."""
    named = {"name": "hello"} | fields
    entries = [entry(path, content) for path, content in files.items()]
    return UploadCreation(runtime=runtime, files=entries, **named)


def frame(content: bytes, *, sha: str | None = None, size: int | None = None) -> bytes:
    """A content as it is sent, honest unless told otherwise."""
    header = ContentHeader(
        sha or sha256(content).hexdigest(), len(content) if size is None else size
    )
    return format_header(header) + content
