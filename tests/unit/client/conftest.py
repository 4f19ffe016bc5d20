"""A server to talk to, and a connection to it."""

from collections.abc import Iterator

import pytest

from au2.client.http.transport import Transport
from au2.client.http.urls import parse_address
from au2.domain.accounts.context import Context
from tests.unit.client.api import ORGANIZATION, PROJECT, Api, serve


@pytest.fixture
def api() -> Iterator[Api]:
    with serve() as served:
        yield served


@pytest.fixture
def transport(api: Api) -> Iterator[Transport]:
    made = Transport(parse_address(api.url), token="secret", environment={})
    yield made
    made.close()


@pytest.fixture
def context() -> Context:
    return Context(ORGANIZATION, PROJECT)
