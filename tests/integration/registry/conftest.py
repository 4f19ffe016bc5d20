from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from au2.domain.context import Context
from tests.integration.registry.guest import Guest
from tests.support.live import served
from tests.support.world import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        yield world


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    """At the server's root: registry clients know no prefix."""
    with served(world.app()) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def organization(world: World) -> Context:
    return world.organization(project=None)


@pytest.fixture
def repository(organization: Context) -> str:
    return f"org_{organization.organization_id}/base"


@pytest.fixture
def developer(world: World, client: httpx.Client, organization: Context, repository: str) -> Guest:
    world.user("developer@example.com", "developer", organization)
    return Guest(world, client, "developer@example.com", repository)


@pytest.fixture
def viewer(world: World, client: httpx.Client, organization: Context, repository: str) -> Guest:
    world.user("viewer@example.com", "viewer", organization)
    return Guest(world, client, "viewer@example.com", repository)


@pytest.fixture
def stranger(world: World, client: httpx.Client, repository: str) -> Guest:
    """A member of another organization."""
    world.user("stranger@example.com", "admin", world.organization("Other", None))
    return Guest(world, client, "stranger@example.com", repository)
