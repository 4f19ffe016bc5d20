from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from au2.domain.accounts.context import Context
from tests.integration.registry.guest import Guest
from tests.support.servers.backend import Backend, open_backend
from tests.support.servers.live import served


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(tmp_path) as backend:
        yield backend


@pytest.fixture
def client(backend: Backend) -> Iterator[httpx.Client]:
    """At the server's root: registry clients know no prefix."""
    with served(backend.app()) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def organization(backend: Backend) -> Context:
    return backend.organization(project=None)


@pytest.fixture
def repository(organization: Context) -> str:
    return f"org_{organization.organization_id}/base"


@pytest.fixture
def developer(
    backend: Backend, client: httpx.Client, organization: Context, repository: str
) -> Guest:
    backend.user("developer@example.com", "developer", organization)
    return Guest(backend, client, "developer@example.com", repository)


@pytest.fixture
def viewer(backend: Backend, client: httpx.Client, organization: Context, repository: str) -> Guest:
    backend.user("viewer@example.com", "viewer", organization)
    return Guest(backend, client, "viewer@example.com", repository)


@pytest.fixture
def stranger(backend: Backend, client: httpx.Client, repository: str) -> Guest:
    """A member of another organization."""
    backend.user("stranger@example.com", "admin", backend.organization("Other", None))
    return Guest(backend, client, "stranger@example.com", repository)
