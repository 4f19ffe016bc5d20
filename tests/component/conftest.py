"""Installations of real SQLite and the fake engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.dispatching import Installation, open_installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with open_installation(tmp_path) as installation:
        yield installation
