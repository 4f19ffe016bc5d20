"""Cache of environments: built once, kept while used, removed when unused."""

import os
import threading
from pathlib import Path

import pytest

from au2.local.environments.cache import EnvironmentCache
from tests.support.waiting import wait_until

OLD_SECONDS = 15 * 86_400


class Builder:
    """Builds environments and counts."""

    def __init__(self) -> None:
        self.built: list[Path] = []
        self.fails = False

    def __call__(self, folder: Path) -> None:
        self.built.append(folder)
        (folder / "content").write_text("made")
        if self.fails:
            raise OSError("no network")


def never() -> None:
    """Go on waiting."""


@pytest.fixture
def cache(tmp_path: Path) -> EnvironmentCache:
    return EnvironmentCache(tmp_path / "environments")


def test_an_environment_is_built_once_for_a_document(cache: EnvironmentCache) -> None:
    build = Builder()

    with cache.open("python", {"a": 1}, build, never) as first:
        assert first.seconds is not None
        assert (first.folder / "content").read_text() == "made"
    with cache.open("python", {"a": 1}, build, never) as again:
        assert again == (first.folder, None)
    with cache.open("python", {"a": 2}, build, never) as other:
        assert other.folder != first.folder

    assert build.built == [first.folder, other.folder]
    assert first.folder.name.startswith("python-")


def test_a_failed_build_leaves_nothing_and_is_tried_again(cache: EnvironmentCache) -> None:
    build = Builder()
    build.fails = True
    with pytest.raises(OSError, match="no network"), cache.open("python", {}, build, never):
        pass
    assert not build.built[0].exists()

    build.fails = False
    with cache.open("python", {}, build, never) as made:
        assert (made.folder / "content").exists()


def test_half_an_environment_of_a_killed_build_is_built_anew(cache: EnvironmentCache) -> None:
    build = Builder()
    with cache.open("node", {}, build, never) as made:
        (made.folder / "complete.json").unlink()
        (made.folder / "half").touch()

    with cache.open("node", {}, build, never) as again:
        assert again.seconds is not None
        assert not (again.folder / "half").exists()


def test_two_at_once_build_one(cache: EnvironmentCache) -> None:
    begun, go_on = threading.Event(), threading.Event()
    build = Builder()

    def slow(folder: Path) -> None:
        begun.set()
        go_on.wait()
        build(folder)

    waited: list[int] = []
    found: list[float | None] = []

    def first() -> None:
        with cache.open("python", {}, slow, never) as made:
            found.append(made.seconds)

    def second() -> None:
        with cache.open("python", {}, build, lambda: waited.append(1)) as made:
            found.append(made.seconds)

    threads = [threading.Thread(target=target) for target in (first, second)]
    threads[0].start()
    begun.wait()
    threads[1].start()
    wait_until(lambda: bool(waited))
    go_on.set()
    for thread in threads:
        thread.join()

    assert len(build.built) == 1
    assert sorted(seconds is None for seconds in found) == [False, True]


def test_the_wait_for_another_build_can_be_ended(cache: EnvironmentCache) -> None:
    def stop() -> None:
        raise InterruptedError

    def build(_folder: Path) -> None:
        with pytest.raises(InterruptedError), cache.open("python", {}, Builder(), stop):
            pass

    with cache.open("python", {}, build, never):
        pass


def test_what_was_not_used_for_two_weeks_is_removed(cache: EnvironmentCache) -> None:
    build = Builder()
    folders = []
    for number in range(3):
        with cache.open("python", {"number": number}, build, never) as made:
            folders.append(made.folder)
    for folder in folders[:2]:
        _make_old(folder)

    with cache.open("python", {"number": 0}, build, never) as used:  # Used now, so not old.
        _make_old(used.folder)
        with cache.open("python", {"number": 3}, build, never):
            assert [folder.exists() for folder in folders] == [True, False, True]


def _make_old(folder: Path) -> None:
    record = folder / "complete.json"
    then = record.stat().st_mtime - OLD_SECONDS
    os.utime(record, (then, then))
