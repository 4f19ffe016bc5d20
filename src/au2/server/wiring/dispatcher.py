"""The dispatcher with its engine, stores and dependency installer."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from au2.app.uploads.package_uploads import PackageUploads
from au2.dependencies.build_container import BuildOptions
from au2.dependencies.package import PackageDependencies
from au2.dependencies.sources import DebianSources, Sources, read_machine_sources
from au2.dispatcher.disk_space import DiskSpace, DiskUsage, FreeSpace
from au2.dispatcher.dispatcher import Dispatcher, DispatchOptions
from au2.dispatcher.faults import WriteRetry
from au2.dispatcher.image_importer import ImageImporter
from au2.dispatcher.job_records import JobRecords
from au2.dispatcher.job_secrets import JobSecrets
from au2.dispatcher.package_builder import DependencyLayers, PackageBuilder
from au2.dispatcher.run_job import RunJob
from au2.dispatcher.upload_job import UploadJob
from au2.domain import clock
from au2.execution.termination import ExecutionLimits
from au2.files.home import NO_HOME, find_home
from au2.images.image_import import ImportLimits
from au2.oci.spec.platform import find_platform
from au2.runtimes.debian import find_mirrors, find_proxy
from au2.server.data_directory import DataDirectory
from au2.server.disk_reserve import create_disk_reserve, release_disk_reserve
from au2.server.settings.sections import BuildSettings, Settings
from au2.server.wiring.engine import make_engine
from au2.server.wiring.stores import make_blobs, make_key_file, make_logs, make_notices
from au2.stores.database.database import Database
from au2.stores.notices import DISPATCHER

_OWNER = "dispatcher"
"""Only one runs, by its server's lock of the data directory, so the next takes over at once."""


def make_dispatcher(
    data: DataDirectory, settings: Settings, database: Database, beat: Callable[[], None]
) -> Dispatcher:
    """Return the dispatcher of all jobs of this data directory."""
    options = _make_options(settings)
    blobs, logs = make_blobs(data), make_logs(data)
    notices = make_notices(data, settings, DISPATCHER)
    engine = make_engine(data, settings)
    records = JobRecords(database, notices, clock.now)
    uploads = PackageUploads(database, blobs, notices)
    disk_space = DiskSpace(lambda: _measure_disk(data))
    write_retry = WriteRetry(lambda: release_disk_reserve(data))

    def expire_uploads() -> None:
        database.preallocate_wal()
        if disk_space.may_start():
            create_disk_reserve(data)
        uploads.expire_abandoned()

    return Dispatcher(
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
                PackageDependencies(
                    engine,
                    blobs,
                    DependencyLayers(database, clock.now),
                    downloads=data.downloads,
                    sources=_make_sources(settings.build),
                    debian=DebianSources(
                        partial(find_mirrors, mirror=settings.runtimes.mirror), find_proxy
                    ),
                    options=_make_build_options(settings.build),
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
        options=options,
        disk_space=disk_space,
        expire_uploads=expire_uploads,
        beat=beat,
    )


def _measure_disk(data: DataDirectory) -> FreeSpace:
    status = os.statvfs(data.root)
    return FreeSpace(
        total_bytes=status.f_blocks * status.f_frsize,
        free_bytes=status.f_bavail * status.f_frsize,
        root_bytes=status.f_bfree * status.f_frsize,
    )


def _make_options(settings: Settings) -> DispatchOptions:
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


def _make_build_options(build: BuildSettings) -> BuildOptions:
    return BuildOptions(
        cpu=build.cpu,
        memory_bytes=build.memory_bytes,
        timeout_seconds=build.timeout_seconds,
        layer_max_bytes=build.layer_max_bytes,
        cache_max_bytes=build.cache_max_bytes,
    )


def _make_sources(build: BuildSettings) -> Sources:
    """Return the package sources; those left unset are pip's and npm's on this machine."""
    sources = read_machine_sources(os.environ, home=find_home(os.environ) or NO_HOME)
    if build.python_indexes or build.find_links:
        sources = replace(
            sources, indexes=build.python_indexes, find_links=build.find_links, merge_indexes=False
        )
    return replace(
        sources,
        npm_registry=build.npm_registry or sources.npm_registry,
        ca_file=build.ca_file or sources.ca_file,
        proxy=build.proxy or sources.proxy,
    )
