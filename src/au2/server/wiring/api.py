"""The HTTP application with all that it works with."""

import threading
from importlib.metadata import version

from fastapi import FastAPI

from au2.http.app import ApiOptions, make_app
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.wiring.services import make_services
from au2.server.wiring.stores import (
    make_blobs,
    make_key_file,
    make_logs,
    make_notices,
)
from au2.stores.database.database import Database

_BESIDE_ARGUMENTS_BYTES = 1 << 20
"""Room in a run request for its environment and the JSON around."""


def make_api(
    data: DataDirectory, settings: Settings, database: Database, stopping: threading.Event
) -> FastAPI:
    """Return the application; ``stopping`` is set when open streams should come to their end."""
    notices = make_notices(data, settings, "api")
    services = make_services(
        database,
        make_blobs(data),
        notices,
        settings,
        keys=make_key_file(data, settings),
    )
    options = ApiOptions(
        version=version("au2"),
        max_body_bytes=settings.limits.arguments_max_bytes + _BESIDE_ARGUMENTS_BYTES,
        max_file_list_bytes=settings.limits.file_list_max_bytes,
        external_url=settings.server.external_url,
    )
    return make_app(services, notices, make_logs(data), options, stopping=stopping)
