from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Backend, open_backend
from tests.support.stored_images import StoredImages


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(tmp_path) as backend:
        yield backend


@pytest.fixture
def stored_images(backend: Backend) -> StoredImages:
    return StoredImages(backend, backend.organization())
