"""Unpacked layers are removed when no container is made of them, and never under one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layers import unpacking_locked
from tests.support.busybox import SmallImage
from tests.support.engine import Workbench, make_workbench

LONG = "trap 'exit 7' TERM; echo ready; while :; do cat /bin/busybox >/dev/null; sleep 0.02; done"
AT_ONCE = -1.0
"""However young they are."""


@pytest.fixture
def own_workbench(tmp_path: Path, busybox_image: SmallImage) -> Iterator[Workbench]:
    """An engine whose layers nobody else uses."""
    tmp_path.chmod(0o711)
    workbench = make_workbench(tmp_path, busybox_image)
    workbench.engine.open()
    yield workbench
    workbench.remove_all()
    workbench.engine.uninstall()


def layers(workbench: Workbench) -> list[str]:
    return list(workbench.engine.list_layers())


def remove_all(workbench: Workbench) -> list[int | None]:
    engine = workbench.engine
    return [engine.remove_unused_layer(n, older_than_seconds=AT_ONCE) for n in layers(workbench)]


def test_nothing_is_there_before_the_first_image(tmp_path: Path, busybox_image: SmallImage) -> None:
    assert layers(make_workbench(tmp_path, busybox_image)) == []


def test_an_unused_layer_goes_and_comes_back(own_workbench: Workbench) -> None:
    engine = own_workbench.engine
    engine.prepare(own_workbench.image_digest)
    (name,) = layers(own_workbench)
    size_bytes = engine.unused_layer_bytes(name, older_than_seconds=AT_ONCE)
    assert size_bytes is not None
    assert size_bytes > 1_000_000
    assert layers(own_workbench) == [name], "telling removes nothing"

    assert engine.remove_unused_layer(name, older_than_seconds=AT_ONCE) == size_bytes

    assert layers(own_workbench) == []
    assert own_workbench.run("echo here").stdout == b"here\n"
    assert layers(own_workbench) == [name]


def test_a_layer_that_was_just_unpacked_stays(own_workbench: Workbench) -> None:
    engine = own_workbench.engine
    engine.prepare(own_workbench.image_digest)
    (name,) = layers(own_workbench)
    assert engine.unused_layer_bytes(name, older_than_seconds=3600) is None
    assert engine.remove_unused_layer(name, older_than_seconds=3600) is None
    assert layers(own_workbench) == [name]


@pytest.mark.parametrize("is_started", [True, False])
def test_no_layer_goes_under_a_container(own_workbench: Workbench, is_started: bool) -> None:
    spec = own_workbench.spec(LONG)
    own_workbench.engine.create(spec)
    if is_started:
        own_workbench.engine.start(spec.container_id)
        own_workbench.wait_for_output(spec.container_id, b"ready\n")
    (name,) = layers(own_workbench)

    assert remove_all(own_workbench) == [None]
    assert own_workbench.engine.unused_layer_bytes(name, older_than_seconds=AT_ONCE) is None

    if is_started:
        own_workbench.engine.signal(spec.container_id, "SIGTERM")
        assert own_workbench.finish(spec.container_id).observation.exit_code == 7
    own_workbench.engine.remove(spec.container_id)
    assert remove_all(own_workbench) != [None]
    assert layers(own_workbench) == []


def test_what_was_interrupted_goes(own_workbench: Workbench) -> None:
    own_workbench.engine.prepare(own_workbench.image_digest)
    (name,) = layers(own_workbench)
    folder = own_workbench.data_dir / "layers" / str(NativeOptions().id_base)
    for left in (f"{name}.incoming", f"{'0' * 64}.removing-{'1' * 32}"):
        (folder / left / "sub").mkdir(parents=True)
    (folder / "empty").mkdir()

    with unpacking_locked(own_workbench.data_dir / "layers" / "locks", name):
        assert (
            own_workbench.engine.remove_unused_layer(f"{name}.incoming", older_than_seconds=AT_ONCE)
            is None
        ), "somebody is unpacking it"
    remove_all(own_workbench)

    assert [path.name for path in folder.iterdir()] == ["empty"]


def test_containers_run_while_layers_are_removed_again_and_again(own_workbench: Workbench) -> None:
    enough = threading.Event()
    removed: list[int] = []

    def remove_again_and_again() -> None:
        while not enough.is_set():
            removed.extend(size for size in remove_all(own_workbench) if size is not None)

    remover = threading.Thread(target=remove_again_and_again)
    remover.start()
    try:
        results = [own_workbench.run("cat /bin/busybox | wc -c; echo done") for _ in range(25)]
    finally:
        enough.set()
        remover.join()

    assert {result.observation.exit_code for result in results} == {0}
    assert all(result.stdout.endswith(b"done\n") for result in results)
    assert len({result.stdout for result in results}) == 1
    assert len(removed) > 5, "the layer was removed between containers"
