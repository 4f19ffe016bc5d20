"""Paths of a package that a server may have made up."""

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from au2.client.packages.local_paths import find_target_mistake, find_written_mistake
from au2.client.packages.package_folder import new_folder, unpack_package
from au2.domain.errors import UnexpectedAnswer
from tests.support.sparse import form_1_0

HOOK = "hooks/post-checkout"


@pytest.mark.parametrize(
    "name",
    [
        ".git",
        ".GIT",
        ".Git",
        ".git.",
        ".git ",
        ".git. .",
        "git~1",
        "GIT~1",
        "git~2",
        ".git:x",
        ".git::$INDEX_ALLOCATION",
        ".g\u200cit",
        "\u200d.git",
        ".\uff47it",
        ".hg",
        ".svn",
        ".bzr",
    ],
)
def test_no_repository_is_written(name: str, tmp_path: Path) -> None:
    for path in (f"{name}/{HOOK}", f"vendor/{name}/config", name):
        assert find_written_mistake(path, is_windows=False)
        stream = archive(tarfile.TarInfo(path))
        with pytest.raises(UnexpectedAnswer), new_folder(tmp_path / "new") as incoming:
            unpack_package(stream, incoming)
        assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "path",
    [
        ".gitignore",
        ".gitattributes",
        ".gitmodules",
        ".github/workflows/x.yml",
        "git",
        "git~",
        "x.git",
        ".git_",
        ".gita/x",
        "con.py",
        "a\\b",
        "a:b",
        "NUL",
        "x ",
        "\u00e4/\u65e5\u672c.txt",
    ],
)
def test_names_that_mean_nothing_here(path: str) -> None:
    assert find_written_mistake(path, is_windows=False) is None


@pytest.mark.parametrize(
    "path",
    [
        "..\\x",
        "a\\..\\..\\x",
        "C:\\x",
        "C:x",
        "\\\\server\\share",
        "a/b:stream",
        "con",
        "CON",
        "d/nul.txt",
        "Aux.tar.gz",
        "com1",
        "LPT9.x",
        "com\u00b9",
        "conin$",
        "prn .txt",
        "x.",
        "x ",
        "a?",
        "a*",
        "a<b",
        "a|b",
        'a"b',
        "a\x01b",
    ],
)
def test_names_that_mean_something_else_on_windows(path: str) -> None:
    assert find_written_mistake(path, is_windows=True)
    assert find_target_mistake(path, is_windows=True)
    assert find_written_mistake(path, is_windows=False) is None


@pytest.mark.parametrize(
    "path", ["main.py", "a/b.c", "console.py", "com.txt", "com10", ".auignore"]
)
def test_ordinary_names_on_windows(path: str) -> None:
    assert find_written_mistake(path, is_windows=True) is None


def test_targets_on_windows() -> None:
    assert find_target_mistake("../a/./b", is_windows=True) is None
    assert find_target_mistake("..\\..\\x", is_windows=True)
    assert find_target_mistake("..\\..\\x", is_windows=False) is None


def archive(*members: tarfile.TarInfo) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for member in members:
            opened.addfile(member, io.BytesIO(bytes(member.size)))
    return io.BytesIO(out.getvalue())


def test_no_rights_come_with_a_file(tmp_path: Path) -> None:
    file, folder = tarfile.TarInfo("run"), tarfile.TarInfo("d")
    folder.type = tarfile.DIRTYPE
    for member in (file, folder):
        member.mode, member.uid = 0o7777, 1
    unpack_package(archive(file, folder), tmp_path)
    for path in (tmp_path / "run", tmp_path / "d"):
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) & 0o7000 == 0
        assert found.st_uid == os.getuid()


def test_a_file_is_not_written_through_a_link_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").symlink_to("../outside")
    with pytest.raises(Exception, match="exists"):
        unpack_package(archive(tarfile.TarInfo("x")), tmp_path / "in")
    assert (tmp_path / "outside").read_text() == "mine"


def test_no_sparse_file_fills_the_disk(tmp_path: Path) -> None:
    layer = form_1_0([1, 0, 1], 1 << 40, b"x")
    with pytest.raises(UnexpectedAnswer, match="sent no package"):
        unpack_package(io.BytesIO(layer), tmp_path)
    assert list(tmp_path.iterdir()) == []
