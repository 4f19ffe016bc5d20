"""The dispatcher with all that it works with."""

import os
from collections.abc import Callable

from au2.dispatcher.dependency_layers import DependencyLayers
from au2.dispatcher.disk_room import DiskRoom, FreeRoom
from au2.dispatcher.disk_watch import DiskUse
from au2.dispatcher.dispatcher import Dispatcher, DispatchKit
from au2.dispatcher.housekeeping import Housekeeping
from au2.dispatcher.image_check import ImageCheck
from au2.dispatcher.job_secrets import JobSecrets
from au2.dispatcher.options import DispatchOptions
from au2.dispatcher.package_build import PackageBuild
from au2.dispatcher.patience import Patience
from au2.dispatcher.records import Records
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.domain import clock
from au2.images.image_import import ImportLimits
from au2.oci.host_platform import find_platform
from au2.server.data_directory import DataDirectory
from au2.server.reserve import give_up_reserve, keep_reserve
from au2.server.settings import Settings
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
    records = Records(database, notices, clock.now)
    uploads = make_uploads(database, blobs, notices, settings)

    room = make_disk_room(data)
    patience = Patience(lambda: give_up_reserve(data))

    def expire_uploads() -> None:
        database.preallocate_wal()
        if room.may_start():
            keep_reserve(data)
        uploads.expire_abandoned()

    return Dispatcher(
        DispatchKit(
            engine=engine,
            records=records,
            notices=notices,
            run_job=RunJob(
                engine,
                logs,
                records,
                options,
                secrets=JobSecrets(database, make_key_file(data, settings)),
                disk_use=DiskUse(engine, room),
                patience=patience,
            ),
            upload_job=UploadJob(
                engine,
                logs,
                records,
                PackageBuild(
                    blobs,
                    records,
                    make_dependencies(
                        data, settings, engine, blobs, DependencyLayers(database, clock.now)
                    ),
                ),
                ImageCheck(
                    engine,
                    blobs,
                    records,
                    platform=find_platform(),
                    limits=ImportLimits(image_bytes=settings.limits.image_max_bytes),
                    room=room,
                ),
                patience,
            ),
            housekeeping=Housekeeping(
                database, engine, clock.now, options.lease_seconds, expire_uploads
            ),
            options=options,
            room=room,
            beat=beat,
        )
    )


def make_disk_room(data: DataDirectory) -> DiskRoom:
    """Return the room on the disk of the data directory."""

    def look() -> FreeRoom:
        status = os.statvfs(data.root)
        return FreeRoom(
            total_bytes=status.f_blocks * status.f_frsize,
            free_bytes=status.f_bavail * status.f_frsize,
            root_bytes=status.f_bfree * status.f_frsize,
        )

    return DiskRoom(look)


def make_options(settings: Settings) -> DispatchOptions:
    """Return what the settings say to the dispatcher."""
    return DispatchOptions(
        owner=_OWNER,
        concurrent_jobs=settings.jobs.concurrent,
        stop_grace_seconds=settings.jobs.stop_grace_seconds,
        after_grace_seconds=settings.jobs.after_grace_seconds,
        log_limit_bytes=settings.jobs.log_limit_bytes,
        disk_limit_bytes=settings.jobs.disk_limit_bytes,
        output_limit_bytes=settings.limits.output_max_bytes,
    )
