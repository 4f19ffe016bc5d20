"""The HTTP application with its use cases and stores."""

import threading
from importlib.metadata import version

from fastapi import FastAPI

from au2.app.accounts.accounts import SessionOptions
from au2.app.services import ServiceOptions, make_services
from au2.app.uploads.image_uploads import ImageUploadOptions
from au2.app.uploads.package_begin import PackageUploadOptions
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import RunLimits
from au2.http.app import ApiOptions, make_app
from au2.oci.spec.platform import find_platform
from au2.package.tree.paths import PackageLimits
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.wiring.stores import make_blobs, make_key_file, make_logs, make_notices
from au2.stores.database.database import Database

_BESIDE_ARGUMENTS_BYTES = 1 << 20
"""Room in a run request for its environment and the JSON around."""


def make_run_limits(settings: Settings) -> RunLimits:
    """Return defaults and limits of a run."""
    jobs = settings.jobs
    return RunLimits(
        default_cpu=jobs.default_cpu,
        default_memory_bytes=jobs.default_memory_bytes,
        default_timeout_seconds=jobs.default_timeout_seconds,
        default_network=Network(settings.network.default_mode),
        processes=jobs.default_processes,
        max_cpu=jobs.max_cpu,
        max_memory_bytes=jobs.max_memory_bytes,
        max_timeout_seconds=jobs.max_timeout_seconds,
        max_arguments_bytes=settings.limits.arguments_max_bytes,
    )


def make_service_options(settings: Settings) -> ServiceOptions:
    """Return the options of the use cases."""
    return ServiceOptions(
        session=SessionOptions(
            login_seconds=settings.login.token_hours * 3600.0,
            longest_seconds=settings.login.longest_days * 86_400.0,
        ),
        run=make_run_limits(settings),
        upload=PackageUploadOptions(
            lease_seconds=settings.uploads.lease_seconds,
            limits=PackageLimits(
                files=settings.limits.package_max_files,
                total_bytes=settings.limits.package_max_bytes,
            ),
        ),
        image_upload=ImageUploadOptions(
            lease_seconds=settings.uploads.lease_seconds,
            blob_max_bytes=settings.limits.image_max_bytes,
            platform=find_platform(),
        ),
        places=settings.jobs.concurrent,
    )


def make_api(
    data: DataDirectory, settings: Settings, database: Database, stopping: threading.Event
) -> FastAPI:
    """Return the application; ``stopping`` is set when open streams should end."""
    notices = make_notices(data, settings, "api")
    services = make_services(
        database,
        make_blobs(data),
        notices,
        make_service_options(settings),
        keys=make_key_file(data, settings),
    )
    options = ApiOptions(
        version=version("au2"),
        max_body_bytes=settings.limits.arguments_max_bytes + _BESIDE_ARGUMENTS_BYTES,
        max_file_list_bytes=settings.limits.file_list_max_bytes,
        external_url=settings.server.external_url,
    )
    return make_app(services, notices, make_logs(data), options, stopping=stopping)
