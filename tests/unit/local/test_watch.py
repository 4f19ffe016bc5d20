"""Noticing saves, and running again."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from au2.execution.termination import JobControl
from au2.local.watch import WatchSession
from au2.package.tree.changes import PackagePoller, find_changed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "main.py").write_text("1")
    (tmp_path / "sub" / "data.txt").write_text("1")
    (tmp_path / ".auignore").write_text("*.log\nbuild/\n")
    return tmp_path


def save(path: Path, text: str) -> None:
    """As editors do: a new file takes the place of the old one."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: save(folder / "main.py", "2"), ["main.py"]),
        (lambda folder: (folder / "main.py").write_text("22"), ["main.py"]),
        (lambda folder: (folder / "main.py").chmod(0o755), ["main.py"]),
        (lambda folder: (folder / "main.py").unlink(), ["main.py"]),
        (lambda folder: save(folder / "new" / "x", "1"), ["new/x"]),
        (lambda folder: os.mkfifo(folder / "pipe"), ["pipe"]),
        (lambda folder: (folder / "trace.log").write_text("1"), []),
        (lambda folder: save(folder / "build" / "x", "1"), []),
        (lambda folder: (folder / "empty").mkdir(), []),
    ],
)
def test_what_is_a_save(
    folder: Path, change: Callable[[Path], object], expected: list[str]
) -> None:
    looker = PackagePoller(folder)
    before = looker.look()

    change(folder)

    assert find_changed(before, looker.look()) == expected


def test_new_rules_hold_at_once(folder: Path) -> None:
    looker = PackagePoller(folder)
    before = looker.look()
    (folder / ".auignore").write_text("sub/\n")
    (folder / "trace.log").write_text("1")

    assert find_changed(before, looker.look()) == [".auignore", "sub/data.txt", "trace.log"]


def test_a_folder_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    assert PackagePoller(tmp_path / "gone").look() == {}


class Session:
    """Watches in a thread; each run waits until it may end."""

    def __init__(self, folder: Path, *, hold: bool = False) -> None:
        self.watching = WatchSession(folder)
        self.controls: list[JobControl] = []
        self.told: list[list[str]] = []
        self.hold = hold
        self._thread = Thread(target=lambda: self.watching.run(self._once, self.told.append))
        self._thread.start()

    def _once(self, control: JobControl) -> None:
        self.controls.append(control)
        while self.hold and not control.stop.is_set():
            time.sleep(0.005)

    def wait_for_runs(self, count: int) -> None:
        while len(self.controls) < count:
            assert self._thread.is_alive()
            time.sleep(0.005)

    def end(self) -> None:
        self.watching.end()
        self._thread.join()


def test_each_save_runs_it_again(folder: Path) -> None:
    session = Session(folder)
    session.wait_for_runs(1)
    save(folder / "main.py", "2")
    session.wait_for_runs(2)
    save(folder / "sub" / "data.txt", "2")
    session.wait_for_runs(3)
    session.end()

    assert session.told == [["main.py"], ["sub/data.txt"]]


def test_a_save_stops_the_run_that_goes_on(folder: Path) -> None:
    session = Session(folder, hold=True)
    session.wait_for_runs(1)
    save(folder / "main.py", "2")
    session.wait_for_runs(2)

    assert session.controls[0].stop.is_set()
    session.end()


def test_many_saves_at_once_are_few_runs(folder: Path) -> None:
    session = Session(folder)
    session.wait_for_runs(1)
    for number in range(20):
        save(folder / f"file{number}.txt", "1")
    while sum(map(len, session.told)) < 20:
        time.sleep(0.005)
    session.end()

    assert len(session.controls) < 5


def test_the_end_ends_the_run_too(folder: Path) -> None:
    session = Session(folder, hold=True)
    session.wait_for_runs(1)
    session.end()

    assert session.controls[0].stop.is_set()
    assert not session.controls[0].kill.is_set()
    session.watching.end()
    assert session.controls[0].kill.is_set()
