from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.servers.backend import Backend, open_backend
from tests.support.servers.live import client_of


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(tmp_path) as backend:
        yield backend


@pytest.fixture
def client(backend: Backend) -> Iterator[httpx.Client]:
    with client_of(backend.app()) as client:
        yield client
