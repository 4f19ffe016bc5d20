from dataclasses import replace

from au2.domain.clock import now
from au2.domain.processes.runtime import DependencyLayer
from au2.stores.database.content.layers import (
    find_dependency_layer,
    put_dependency_layer,
    touch_dependency_layer,
)
from tests.support.servers.backend import Backend

LAYER = DependencyLayer("sha256:" + "1" * 64, None, "sha256:" + "2" * 64, 7, {"packages": []})


def find(backend: Backend) -> DependencyLayer | None:
    with backend.database.read() as transaction:
        return find_dependency_layer(transaction, LAYER.key)


def put(backend: Backend, layer: DependencyLayer) -> None:
    with backend.database.write() as transaction:
        put_dependency_layer(transaction, layer, at=now())


def test_what_is_kept_is_what_was_given(backend: Backend) -> None:
    assert find(backend) is None
    own = replace(LAYER, organization_id=backend.organization().organization_id)
    put(backend, own)
    assert find(backend) == own


def test_a_newer_layer_takes_the_place_of_the_older(backend: Backend) -> None:
    put(backend, LAYER)
    put(backend, replace(LAYER, size_bytes=8))
    with backend.database.write() as transaction:
        touch_dependency_layer(transaction, LAYER.key, at=now())
    assert find(backend) == replace(LAYER, size_bytes=8)
