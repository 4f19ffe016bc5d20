"""The container engine, made from the settings."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.engines.protocol import Engine
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.wiring.stores import make_blobs
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.protocol import Provider


def make_engine(
    data: DataDirectory, settings: Settings, blobs: Provider | None = None
) -> NativeEngine:
    """Return the engine, on the installation's content store or on ``blobs``.

    Nothing of the machine is touched yet.
    """
    options = NativeOptions(
        id_base=settings.jobs.first_host_id,
        id_count=settings.jobs.host_ids,
        containers=settings.jobs.concurrent,
        subnet=settings.network.subnet,
        allowed_networks=settings.network.allow,
        connections=settings.network.connections,
        dns_servers=settings.network.dns,
        dns_search=settings.network.dns_search,
        dns_options=settings.network.dns_options,
    )
    run_directory = data.run_directory(settings.server.run_dir)
    return NativeEngine(blobs or make_blobs(data), data.root, run_directory, options)


@contextmanager
def engine_without_data(data: DataDirectory, settings: Settings) -> Iterator[Engine]:
    """Yield an engine for removing the remains of an installation whose data is gone."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_engine(data, settings, FileContentStore(Path(folder)))
