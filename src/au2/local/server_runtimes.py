"""Runtimes of a server on this machine, read from its data directory."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.domain.ids import is_guid
from au2.domain.processes.runtime import Runtime
from au2.local.runtime_search import FindRuntime, RuntimeImage
from au2.package.manifest import Manifest
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import copy_image
from au2.stores.content.protocol import IngesterProvider
from au2.stores.database.database import Database
from au2.stores.database.runtimes import find_runtime, find_runtime_image, list_runtimes


def make_server_search(data_dir: Path) -> FindRuntime:
    """Return a search in the data directory of a server, which may be running."""
    return partial(_find, data_dir)


def _find(data_dir: Path, manifest: Manifest, blobs: IngesterProvider) -> RuntimeImage:
    file = data_dir / "database" / "au2.sqlite3"
    if not file.is_file():
        raise InvalidRequest(f"'{data_dir}' is no data directory of au2: see --data-dir.")
    with closing(Database.open_file(file)) as database, database.read() as transaction:
        if is_guid(manifest.runtime):
            by_id = find_runtime(transaction, manifest.runtime.lower())
            found = [] if by_id is None else [by_id]
        else:
            found = list_runtimes(transaction, None, name=manifest.runtime)
        runtime = _only_one(found, manifest.runtime, data_dir)
        version = manifest.runtime_version or runtime.version
        digest = find_runtime_image(transaction, runtime.id, version)
    if digest is None:
        raise NotFound(f"The runtime '{runtime.name}' has no version {version} in '{data_dir}'.")
    copy_image(FileContentStore(data_dir / "blobs"), blobs, digest)
    return RuntimeImage(runtime.name, runtime.language, digest, version)


def _only_one(found: Sequence[Runtime], stated: str, data_dir: Path) -> Runtime:
    if not found:
        raise NotFound(
            f"There is no runtime '{stated}' in '{data_dir}'.",
            hint=f"See: au2-server runtime list --data-dir {data_dir}",
        )
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise Conflict(f"Several runtimes are named '{stated}': {ids}.", hint="Name one by its id.")
    return found[0]
