from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.backend import Backend, open_backend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(tmp_path) as backend:
        yield backend
