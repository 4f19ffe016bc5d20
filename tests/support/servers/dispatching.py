"""A dispatcher in a thread of the test, with a real database and either engine."""

import itertools
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from au2.app.jobs.jobs import RunOrder
from au2.app.uploads.package_begin import OpenUpload
from au2.dependencies.build_container import BuildOptions
from au2.dependencies.package import PackageDependencies
from au2.dependencies.sources import DebianSources, Sources
from au2.dispatcher.disk_space import DiskSpace, DiskUsage, FreeSpace
from au2.dispatcher.dispatcher import Dispatcher, DispatchOptions
from au2.dispatcher.faults import WriteRetry
from au2.dispatcher.image_importer import ImageImporter
from au2.dispatcher.job_records import JobRecords
from au2.dispatcher.job_secrets import JobSecrets
from au2.dispatcher.package_builder import DependencyLayers, PackageBuilder
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import Job, JobState
from au2.engines.fake.engine import FakeEngine
from au2.engines.fake.program import Invocation, Step
from au2.engines.protocol import Engine
from au2.images.image_import import ImportLimits
from au2.oci.spec.platform import AMD64
from au2.secrets.keyring import KeyFile
from au2.stores.logs.record import parse_records
from au2.stores.notices import FolderNotices
from tests.support.images.busybox import make_image, make_layer
from tests.support.servers.backend import OPERATOR, Backend, creation, frame, open_backend
from tests.support.waiting import wait_until

AMPLE = FreeSpace(total_bytes=1 << 40, free_bytes=1 << 40, root_bytes=1 << 40)


def make_dispatcher(
    backend: Backend, engine: Engine, notices: FolderNotices, owner: str = "dispatcher"
) -> Dispatcher:
    """Return a dispatcher with the same parts as the server's."""
    options = DispatchOptions(owner, 8, lease_seconds=30, poll_seconds=0.05)
    records = JobRecords(backend.database, notices, backend.clock)
    disk_space = DiskSpace(lambda: AMPLE)
    write_retry = WriteRetry(lambda: False)
    dependencies = PackageDependencies(
        engine,
        backend.blobs,
        DependencyLayers(backend.database, backend.clock),
        downloads=backend.folder / "downloads",
        sources=Sources(indexes=()),
        debian=DebianSources(lambda _: {}, lambda: None),
        options=BuildOptions(),
    )
    importer = ImageImporter(
        engine,
        backend.blobs,
        records,
        platform=AMD64,
        limits=ImportLimits(),
        disk_space=disk_space,
    )
    return Dispatcher(
        engine=engine,
        records=records,
        notices=notices,
        run_job=RunJob(
            engine,
            backend.logs,
            records,
            options.limits,
            secrets=JobSecrets(backend.database, KeyFile(backend.folder / "secrets.key")),
            disk_usage=DiskUsage(engine, disk_space),
            write_retry=write_retry,
        ),
        upload_job=UploadJob(
            engine,
            backend.logs,
            records,
            PackageBuilder(backend.blobs, records, dependencies),
            importer,
            write_retry,
        ),
        options=options,
        disk_space=disk_space,
        expire_uploads=lambda: None,
    )


@contextmanager
def dispatching(
    backend: Backend, engine: Engine, owner: str = "dispatcher"
) -> Iterator[threading.Thread]:
    """Dispatch while the block runs; yield the dispatcher's main thread."""
    notices = FolderNotices(backend.folder / "notices", owner)
    stop, ready = threading.Event(), threading.Event()
    dispatcher = make_dispatcher(backend, engine, notices, owner)
    arguments: dict[str, Any] = {"on_ready": ready}
    thread = threading.Thread(target=dispatcher.run, args=(stop,), kwargs=arguments)
    thread.start()
    try:
        ready.wait()
        yield thread
    finally:
        stop.set()
        thread.join()
        notices.close()


@dataclass
class Installation:
    """An installation with the fake engine, and a process whose jobs tests script."""

    backend: Backend
    engine: FakeEngine
    context: Context
    process: str
    programs: dict[str, Sequence[Step]]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def submit(self, *steps: Step, **order: Any) -> int:
        """Submit a run of a program; return the job's id."""
        name = f"program-{next(self._numbers)}"
        self.programs[name] = steps
        process = order.pop("process", self.process)
        wanted = RunOrder(process, environment={"PROGRAM": name}, **order)
        actor = self.backend.actor(OPERATOR)
        return self.backend.services.jobs.submit_run(actor, self.context, wanted).id

    def upload(self, files: dict[str, bytes], runtime: str, name: str = "packaged") -> OpenUpload:
        """Upload a whole package for the process of that name."""
        services, actor = self.backend.services, self.backend.actor(OPERATOR)
        begun = services.upload_starter.begin(
            actor, self.context, creation(files, runtime, name=name)
        )
        assert isinstance(begun, OpenUpload)
        upload = begun.upload
        with services.uploads.receive(actor, upload.id, upload.fencing_token) as receiver:
            for content in files.values():
                receiver.feed(frame(content))
            services.uploads.finish_receiving(actor, upload.id, receiver)
        services.uploads.complete(actor, upload.id, upload.fencing_token)
        return begun

    def dispatching(self, owner: str = "dispatcher") -> Any:
        """Run a dispatcher during the block."""
        return dispatching(self.backend, self.engine, owner)

    def resume(self, job_id: int) -> None:
        """Let a waiting program go on."""
        self.engine.resume(f"job-{job_id}-1")

    def job(self, job_id: int) -> Job:
        return self.backend.job(job_id)

    def lines(self, job_id: int) -> list[str]:
        """The job's log."""
        records, _ = parse_records(self.backend.logs.read(job_id, 1, offset=0, limit_bytes=1 << 20))
        return [record.content.decode() for record in records]

    def wait_for_line(self, job_id: int, line: str) -> None:
        wait_until(lambda: line in self.lines(job_id))

    def wait_for_state(self, job_id: int, state: JobState) -> None:
        wait_until(lambda: self.job(job_id).state is state)

    def wait_for_end(self, job_id: int) -> Job:
        wait_until(lambda: self.job(job_id).state.is_final)
        return self.job(job_id)

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Keep everybody else from writing to the database."""
        file = self.backend.folder / "database" / "au2.sqlite3"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


@contextmanager
def open_installation(folder: Path, *, busy_seconds: float = 30.0) -> Iterator[Installation]:
    """Make an installation in ``folder`` with the fake engine."""
    programs: dict[str, Sequence[Step]] = {}

    def find_program(given: Invocation) -> Sequence[Step]:
        return programs[given.environment["PROGRAM"]]

    with open_backend(folder, busy_seconds=busy_seconds) as backend:
        engine = FakeEngine(backend.blobs, find_program)
        context = backend.organization()
        process = backend.process(context)
        image = make_image([make_layer({})], command=("program",))
        backend.version(process, image_digest=image.save(backend.blobs))
        yield Installation(backend, engine, context, process, programs)
