from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.live import client_of
from tests.support.world import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        yield world


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    with client_of(world.app()) as client:
        yield client
