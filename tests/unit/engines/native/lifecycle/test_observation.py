"""Waiting for containers' news."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.engines.native.lifecycle.observation import ContainerChanges, ContainerWatcher


@pytest.fixture
def news() -> Iterator[ContainerWatcher]:
    news = ContainerWatcher()
    yield news
    news.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log").touch()
    (tmp_path / "exit").mkdir()
    (tmp_path / "files").mkdir()
    return tmp_path


def watch(news: ContainerWatcher, folder: Path, name: str = "one") -> ContainerChanges:
    return news.watch(
        name,
        log=folder / "log",
        exit_folder=folder / "exit",
        files=folder / "files",
        files_changed=False,
    )


def wait(watch: ContainerChanges, seen: int) -> None:
    """Wait without an end."""
    while watch.changes <= seen:
        watch.wait(seen, time.monotonic() + 60.0)


def test_each_kind_of_news_is_counted(news: ContainerWatcher, folder: Path) -> None:
    found = watch(news, folder)
    (folder / "log").write_text("x")
    wait(found, 0)
    assert found.file_changes == 0
    seen = found.changes
    (folder / "exit" / "one").write_text("0")
    wait(found, seen)
    assert found.file_changes == 0
    (folder / "files" / "status.json").write_text("{}")
    while not found.file_changes:
        wait(found, found.changes - 1)


def test_what_happened_before_the_wait_is_not_missed(news: ContainerWatcher, folder: Path) -> None:
    found = watch(news, folder)
    seen = found.changes
    (folder / "exit" / "one").write_text("0")
    wait(found, seen)


def test_one_watch_per_container(news: ContainerWatcher, folder: Path) -> None:
    assert watch(news, folder) is watch(news, folder)
    assert news.find("one") is watch(news, folder)
    news.forget("one")
    news.forget("one")
    assert news.find("one") is None


def test_forgetting_wakes_who_waits(news: ContainerWatcher, folder: Path) -> None:
    found = watch(news, folder)
    waiting = threading.Thread(target=wait, args=(found, found.changes))
    waiting.start()
    news.forget("one")
    waiting.join()


def test_what_cannot_be_watched_is_looked_at_often(news: ContainerWatcher, folder: Path) -> None:
    (folder / "log").unlink()
    assert watch(news, folder).longest_wait_seconds < 0.1


def test_it_can_be_used_again_after_it_was_closed(news: ContainerWatcher, folder: Path) -> None:
    watch(news, folder)
    news.close()
    news.close()
    found = watch(news, folder)
    (folder / "log").write_text("x")
    wait(found, 0)
