"""The dispatcher with all that it works with."""

import os
from collections.abc import Callable

from au2.dispatcher.disk_space import DiskSpace, DiskUsage, FreeSpace
from au2.dispatcher.dispatcher import Dispatcher, DispatcherDeps, DispatchOptions
from au2.dispatcher.faults import WriteRetry
from au2.dispatcher.image_importer import ImageImporter
from au2.dispatcher.job_records import JobRecords
from au2.dispatcher.job_secrets import JobSecrets
from au2.dispatcher.maintenance import Maintenance
from au2.dispatcher.package_builder import DependencyLayers, PackageBuilder
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.domain import clock
from au2.execution.termination import ExecutionLimits
from au2.images.image_import import ImportLimits
from au2.oci.spec.platform import find_platform
from au2.server.data_directory import DataDirectory
from au2.server.disk_reserve import create_disk_reserve, release_disk_reserve
from au2.server.settings.sections import Settings
from au2.server.wiring.dependencies import make_dependencies
from au2.server.wiring.engine import make_engine
from au2.server.wiring.services import make_uploads
from au2.server.wiring.stores import (
    make_blobs,
    make_key_file,
    make_logs,
    make_notices,
)
from au2.stores.database.database import Database
from au2.stores.notices.base import DISPATCHER

_OWNER = "dispatcher"
"""Only one runs, by its server's lock of the data directory, so the next takes over at once."""


def make_dispatcher(
    data: DataDirectory, settings: Settings, database: Database, beat: Callable[[], None]
) -> Dispatcher:
    """Return a dispatcher for everything that is submitted on this data directory."""
    options = make_options(settings)
    blobs, logs = make_blobs(data), make_logs(data)
    notices = make_notices(data, settings, DISPATCHER)
    engine = make_engine(data, settings)
    records = JobRecords(database, notices, clock.now)
    uploads = make_uploads(database, blobs, notices, settings)

    disk_space = make_disk_room(data)
    write_retry = WriteRetry(lambda: release_disk_reserve(data))

    def expire_uploads() -> None:
        database.preallocate_wal()
        if disk_space.may_start():
            create_disk_reserve(data)
        uploads.expire_abandoned()

    return Dispatcher(
        DispatcherDeps(
            engine=engine,
            records=records,
            notices=notices,
            run_job=RunJob(
                engine,
                logs,
                records,
                options.limits,
                secrets=JobSecrets(database, make_key_file(data, settings)),
                disk_usage=DiskUsage(engine, disk_space),
                write_retry=write_retry,
            ),
            upload_job=UploadJob(
                engine,
                logs,
                records,
                PackageBuilder(
                    blobs,
                    records,
                    make_dependencies(
                        data, settings, engine, blobs, DependencyLayers(database, clock.now)
                    ),
                ),
                ImageImporter(
                    engine,
                    blobs,
                    records,
                    platform=find_platform(),
                    limits=ImportLimits(image_bytes=settings.limits.image_max_bytes),
                    disk_space=disk_space,
                ),
                write_retry,
            ),
            maintenance=Maintenance(
                database, engine, clock.now, options.lease_seconds, expire_uploads
            ),
            options=options,
            disk_space=disk_space,
            beat=beat,
        )
    )


def make_disk_room(data: DataDirectory) -> DiskSpace:
    """Return the room on the disk of the data directory."""

    def look() -> FreeSpace:
        status = os.statvfs(data.root)
        return FreeSpace(
            total_bytes=status.f_blocks * status.f_frsize,
            free_bytes=status.f_bavail * status.f_frsize,
            root_bytes=status.f_bfree * status.f_frsize,
        )

    return DiskSpace(look)


def make_options(settings: Settings) -> DispatchOptions:
    """Return what the settings say to the dispatcher."""
    return DispatchOptions(
        owner=_OWNER,
        concurrent_jobs=settings.jobs.concurrent,
        limits=ExecutionLimits(
            stop_grace_seconds=settings.jobs.stop_grace_seconds,
            after_grace_seconds=settings.jobs.after_grace_seconds,
            output_bytes=settings.limits.output_max_bytes,
            log_bytes=settings.jobs.log_limit_bytes,
            disk_bytes=settings.jobs.disk_limit_bytes,
        ),
    )
