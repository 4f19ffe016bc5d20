from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import House
from tests.support.world import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        yield world


@pytest.fixture
def house(world: World) -> House:
    return House(world, world.organization())
