"""A dispatcher in a thread of the test, with a real engine and a real database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from au2.dispatcher.disk_space import DiskSpace, FreeSpace
from au2.dispatcher.disk_watch import DiskUsage
from au2.dispatcher.dispatcher import Dispatcher, DispatcherDeps
from au2.dispatcher.job_records import JobRecords
from au2.dispatcher.job_secrets import JobSecrets
from au2.dispatcher.maintenance import Maintenance
from au2.dispatcher.options import DispatchOptions
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.dispatcher.write_retry import WriteRetry
from au2.engines.base import Engine
from au2.secrets.key_file import KeyFile
from au2.stores.notices.folder import FolderNotices
from tests.support.world import World

AMPLE = FreeSpace(total_bytes=1 << 40, free_bytes=1 << 40, root_bytes=1 << 40)


def make_kit(world: World, engine: Engine, notices: FolderNotices) -> DispatcherDeps:
    """Return what a dispatcher works with that runs jobs; uploads it can't do."""
    options = DispatchOptions("dispatcher", 8, lease_seconds=30, poll_seconds=0.05)
    records = JobRecords(world.database, notices, world.clock)
    disk_space = DiskSpace(lambda: AMPLE)
    return DispatcherDeps(
        engine=engine,
        records=records,
        notices=notices,
        run_job=RunJob(
            engine,
            world.logs,
            records,
            options,
            secrets=JobSecrets(world.database, KeyFile(world.folder / "secrets.key")),
            disk_usage=DiskUsage(engine, disk_space),
            write_retry=WriteRetry(lambda: False),
        ),
        upload_job=cast(UploadJob, None),
        maintenance=Maintenance(
            world.database, engine, world.clock, options.lease_seconds, lambda: None
        ),
        options=options,
        disk_space=disk_space,
    )


@contextmanager
def dispatching(world: World, engine: Engine) -> Iterator[threading.Thread]:
    """Dispatch while the block runs; yield the dispatcher's main thread."""
    notices = FolderNotices(world.folder / "notices", "dispatcher")
    stop, ready = threading.Event(), threading.Event()
    dispatcher = Dispatcher(make_kit(world, engine, notices))
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
