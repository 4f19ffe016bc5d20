"""Files are there whole or not at all; devices, pipes and links stay what they are."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from au2.domain.errors import Au2Error, InvalidRequest
from au2.files.output import PRIVATE, open_output, write_output
from tests.support.machine.devices import FULL, NULL, make_device


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_has_what_the_mask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_output(tmp_path / "new", b"data")
        write_output(tmp_path / "private", b"data", permissions=PRIVATE)
    finally:
        os.umask(before)
    assert (tmp_path / "new").read_bytes() == b"data"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["new", "private"]


def test_a_file_that_was_there_keeps_its_permissions_unless_others_are_asked_for(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o754)
    write_output(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o754)
    write_output(file, b"secret", permissions=PRIVATE)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"secret", 0o600)


def test_a_file_that_was_not_finished_is_as_before(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), open_output(file) as output:
        output.write(b"half" * (output.write(b"some") or 1 // 0))
    assert file.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_links_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    target, missing = tmp_path / "inner" / "target", tmp_path / "inner" / "missing"
    target.write_text("old")
    for name, leads_to in (("one", "two"), ("two", "inner/target"), ("dangling", str(missing))):
        (tmp_path / name).symlink_to(leads_to)
    write_output(tmp_path / "one", b"new")
    write_output(tmp_path / "dangling", b"made")
    assert (target.read_bytes(), missing.read_bytes()) == (b"new", b"made")
    assert all((tmp_path / name).is_symlink() for name in ("one", "two", "dangling"))
    assert names(tmp_path / "inner") == ["missing", "target"]


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    device, link = make_device(tmp_path / "null", NULL), tmp_path / "link"
    link.symlink_to(device)
    for path in (device, link):
        write_output(path, b"data", permissions=PRIVATE)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert device.stat().st_mode & 0o777 == 0o666
    assert names(tmp_path) == ["link", "null"]


def test_a_full_device_is_told_and_stays(tmp_path: Path) -> None:
    device = make_device(tmp_path / "full", FULL)
    with pytest.raises(Au2Error, match=f"'{device}' can't be written: No space left"):
        write_output(device, b"data")
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    data = os.urandom(300_000)
    writer = Thread(target=write_output, args=(fifo, data))
    writer.start()
    assert fifo.read_bytes() == data
    writer.join()
    assert fifo.is_fifo()


@pytest.mark.parametrize(
    "name",
    [
        lambda number: f"/dev/fd/{number}",
        lambda number: f"/proc/self/fd/{number}",
        lambda number: f"/proc/{os.getpid()}/fd/{number}",
        lambda number: f"/proc/thread-self/fd/{number}",
    ],
    ids=["dev", "self", "number", "thread"],
)
def test_own_descriptors_are_written_to_where_they_stand(
    tmp_path: Path, name: Callable[[int], str]
) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("before ")
    with file.open("ab") as appending:
        link.symlink_to(name(appending.fileno()))
        write_output(Path(name(appending.fileno())), b"one ")
        write_output(link, b"two")
    assert file.read_text() == "before one two"
    assert names(tmp_path) == ["file", "link"]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to(path), "Too many levels"),
        (lambda path: path.symlink_to(path.parent), "is a folder"),
        (lambda path: path.symlink_to("none/file"), "No such file"),
    ],
    ids=["folder", "loop", "link to a folder", "no folder"],
)
def test_what_can_not_be_written(tmp_path: Path, make: Callable[[Path], None], error: str) -> None:
    make(tmp_path / "x")
    with pytest.raises((Au2Error, InvalidRequest), match=error):
        write_output(tmp_path / "x", b"data")
    assert names(tmp_path) == ["x"]


def test_a_path_that_is_no_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    write_output(path, b"data")
    assert path.read_bytes() == b"data"
