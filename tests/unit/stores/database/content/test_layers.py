from dataclasses import replace

from au2.domain.clock import now
from au2.domain.layer import DependencyLayer
from au2.stores.database.content.layers import (
    find_dependency_layer,
    put_dependency_layer,
    touch_dependency_layer,
)
from tests.support.world import World

LAYER = DependencyLayer("sha256:" + "1" * 64, None, "sha256:" + "2" * 64, 7, {"packages": []})


def find(world: World) -> DependencyLayer | None:
    with world.database.read() as transaction:
        return find_dependency_layer(transaction, LAYER.key)


def put(world: World, layer: DependencyLayer) -> None:
    with world.database.write() as transaction:
        put_dependency_layer(transaction, layer, at=now())


def test_what_is_kept_is_what_was_given(world: World) -> None:
    assert find(world) is None
    own = replace(LAYER, organization_id=world.organization().organization_id)
    put(world, own)
    assert find(world) == own


def test_a_newer_layer_takes_the_place_of_the_older(world: World) -> None:
    put(world, LAYER)
    put(world, replace(LAYER, size_bytes=8))
    with world.database.write() as transaction:
        touch_dependency_layer(transaction, LAYER.key, at=now())
    assert find(world) == replace(LAYER, size_bytes=8)
