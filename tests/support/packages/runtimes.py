"""Fixture: built runtimes, where runs without a server find them."""

from pathlib import Path

import pytest

from au2.runtimes.build import build_runtime
from au2.runtimes.recipe_file import get_recipe
from au2.stores.content.filesystem import FileContentStore
from tests.support.checkout import RUNTIME_CACHE, RUNTIME_NAME
from tests.support.servers.server_process import runtime_cache_locked


@pytest.fixture(scope="session")
def runtime_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of built runtimes; the one that tests use most is there."""
    blobs = FileContentStore(tmp_path_factory.mktemp("runtime") / "blobs")
    with runtime_cache_locked():
        build_runtime(
            get_recipe(RUNTIME_NAME), blobs, cache_dir=RUNTIME_CACHE, progress=lambda _: None
        )
    for digest in list(blobs.list_digests()):
        blobs.remove(digest)
    return RUNTIME_CACHE
