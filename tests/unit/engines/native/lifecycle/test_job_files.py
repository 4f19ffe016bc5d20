"""Job files, whose folder belongs to a container's user."""

import os
from pathlib import Path

import pytest

from au2.domain.errors import InvalidRequest, TooLarge
from au2.engines.native.lifecycle.job_files import (
    fingerprint,
    make_job_files,
    read_job_file,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    make_job_files(made, {"args.json": b"{}"}, os.getuid())
    return made


def test_what_is_made(folder: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {"files": 0o777, "scratch": 0o777, "args.json": 0o644}


def test_reading(folder: Path, tmp_path: Path) -> None:
    assert read_job_file(folder, "args.json", 2) == b"{}"
    assert read_job_file(folder, "none", 2) is None
    assert read_job_file(tmp_path / "none", "args.json", 2) is None
    with pytest.raises(TooLarge):
        read_job_file(folder, "args.json", 1)


def test_only_regular_files(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "args.json")
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("/none")
    for name in ("link", "pipe", "dangling", "scratch", "..", "a/b", ""):
        with pytest.raises(InvalidRequest):
            read_job_file(folder, name, 100)


def test_a_folder_that_became_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(NotADirectoryError):
        read_job_file(tmp_path / "link", "args.json", 100)


def test_the_fingerprint_tells_changes(folder: Path) -> None:
    seen = [fingerprint(folder)]
    (folder / "scratch" / "x").touch()
    assert fingerprint(folder) == seen[0]
    (folder / "status.json").write_text("1")
    seen.append(fingerprint(folder))
    (folder / "status.json").write_text("12")
    seen.append(fingerprint(folder))
    (folder / "status.json").unlink()
    assert len(set(seen)) == 3
    assert fingerprint(folder) == seen[0]
    assert fingerprint(folder / "none") == ""
