"""Unpacked layers are removed when no container is made of them, and never under one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layers import unpacking_locked
from tests.support.images.busybox import SmallImage
from tests.support.machine.engine import NativeHarness, make_native_harness

LONG = "trap 'exit 7' TERM; echo ready; while :; do cat /bin/busybox >/dev/null; sleep 0.02; done"
AT_ONCE = -1.0
"""However young they are."""


@pytest.fixture
def own_harness(tmp_path: Path, busybox_image: SmallImage) -> Iterator[NativeHarness]:
    """An engine whose layers nobody else uses."""
    tmp_path.chmod(0o711)
    native_harness = make_native_harness(tmp_path, busybox_image)
    native_harness.engine.open()
    yield native_harness
    native_harness.remove_all()
    native_harness.engine.uninstall()


def layers(native_harness: NativeHarness) -> list[str]:
    return list(native_harness.engine.list_layers())


def remove_all(native_harness: NativeHarness) -> list[int | None]:
    engine = native_harness.engine
    return [
        engine.remove_unused_layer(n, older_than_seconds=AT_ONCE) for n in layers(native_harness)
    ]


def test_nothing_is_there_before_the_first_image(tmp_path: Path, busybox_image: SmallImage) -> None:
    assert layers(make_native_harness(tmp_path, busybox_image)) == []


def test_an_unused_layer_goes_and_comes_back(own_harness: NativeHarness) -> None:
    engine = own_harness.engine
    engine.prepare(own_harness.image_digest)
    (name,) = layers(own_harness)
    size_bytes = engine.unused_layer_bytes(name, older_than_seconds=AT_ONCE)
    assert engine.layer_bytes(name) == size_bytes
    assert engine.layer_bytes("0" * 64) is None
    assert size_bytes is not None
    assert size_bytes > 1_000_000
    assert layers(own_harness) == [name], "telling removes nothing"

    assert engine.remove_unused_layer(name, older_than_seconds=AT_ONCE) == size_bytes

    assert layers(own_harness) == []
    assert own_harness.run("echo here").stdout == b"here\n"
    assert layers(own_harness) == [name]


def test_a_layer_that_was_just_unpacked_stays(own_harness: NativeHarness) -> None:
    engine = own_harness.engine
    engine.prepare(own_harness.image_digest)
    (name,) = layers(own_harness)
    assert engine.unused_layer_bytes(name, older_than_seconds=3600) is None
    assert engine.remove_unused_layer(name, older_than_seconds=3600) is None
    assert layers(own_harness) == [name]


@pytest.mark.parametrize("is_started", [True, False])
def test_no_layer_goes_under_a_container(own_harness: NativeHarness, is_started: bool) -> None:
    spec = own_harness.spec(LONG)
    own_harness.engine.create(spec)
    if is_started:
        own_harness.engine.start(spec.container_id)
        own_harness.wait_for_output(spec.container_id, b"ready\n")
    (name,) = layers(own_harness)

    assert remove_all(own_harness) == [None]
    assert own_harness.engine.unused_layer_bytes(name, older_than_seconds=AT_ONCE) is None

    if is_started:
        own_harness.engine.signal(spec.container_id, "SIGTERM")
        assert own_harness.finish(spec.container_id).observation.exit_code == 7
    own_harness.engine.remove(spec.container_id)
    assert remove_all(own_harness) != [None]
    assert layers(own_harness) == []


def test_what_was_interrupted_goes(own_harness: NativeHarness) -> None:
    own_harness.engine.prepare(own_harness.image_digest)
    (name,) = layers(own_harness)
    folder = own_harness.data_dir / "layers" / str(NativeOptions().id_base)
    for left in (f"{name}.incoming", f"{'0' * 64}.removing-{'1' * 32}"):
        (folder / left / "sub").mkdir(parents=True)
    (folder / "empty").mkdir()

    with unpacking_locked(own_harness.data_dir / "layers" / "locks", name):
        assert (
            own_harness.engine.remove_unused_layer(f"{name}.incoming", older_than_seconds=AT_ONCE)
            is None
        ), "somebody is unpacking it"
    remove_all(own_harness)

    assert [path.name for path in folder.iterdir()] == ["empty"]


def test_containers_run_while_layers_are_removed_again_and_again(
    own_harness: NativeHarness,
) -> None:
    enough = threading.Event()
    removed: list[int] = []

    def remove_again_and_again() -> None:
        while not enough.is_set():
            removed.extend(size for size in remove_all(own_harness) if size is not None)

    remover = threading.Thread(target=remove_again_and_again)
    remover.start()
    try:
        results = [own_harness.run("cat /bin/busybox | wc -c; echo done") for _ in range(25)]
    finally:
        enough.set()
        remover.join()

    assert {result.observation.exit_code for result in results} == {0}
    assert all(result.stdout.endswith(b"done\n") for result in results)
    assert len({result.stdout for result in results}) == 1
    assert len(removed) > 5, "the layer was removed between containers"
