"""Unpacking a package that a server sent, with every path distrusted."""

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from au2.client.packages.package_folder import (
    fill_folder,
    find_local_path_error,
    find_target_error,
    unpack_package,
)
from au2.domain.errors import Au2Error, InvalidRequest, UnexpectedAnswer
from au2.oci.tar.writer import LayerEntry, directory_entry, file_entry, link_entry, write_layer
from tests.support.images.sparse import form_1_0

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
        assert find_local_path_error(path, is_windows=False)
        stream = raw_archive(tarfile.TarInfo(path))
        with pytest.raises(UnexpectedAnswer), fill_folder(tmp_path / "new") as incoming:
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
    assert find_local_path_error(path, is_windows=False) is None


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
    assert find_local_path_error(path, is_windows=True)
    assert find_target_error(path, is_windows=True)
    assert find_local_path_error(path, is_windows=False) is None


@pytest.mark.parametrize(
    "path", ["main.py", "a/b.c", "console.py", "com.txt", "com10", ".auignore"]
)
def test_ordinary_names_on_windows(path: str) -> None:
    assert find_local_path_error(path, is_windows=True) is None


def test_targets_on_windows() -> None:
    assert find_target_error("../a/./b", is_windows=True) is None
    assert find_target_error("..\\..\\x", is_windows=True)
    assert find_target_error("..\\..\\x", is_windows=False) is None


def raw_archive(*members: tarfile.TarInfo) -> io.BytesIO:
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
    unpack_package(raw_archive(file, folder), tmp_path)
    for path in (tmp_path / "run", tmp_path / "d"):
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) & 0o7000 == 0
        assert found.st_uid == os.getuid()


def test_a_file_is_not_written_through_a_link_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").symlink_to("../outside")
    with pytest.raises(Exception, match="exists"):
        unpack_package(raw_archive(tarfile.TarInfo("x")), tmp_path / "in")
    assert (tmp_path / "outside").read_text() == "mine"


def test_no_sparse_file_fills_the_disk(tmp_path: Path) -> None:
    layer = form_1_0([1, 0, 1], 1 << 40, b"x")
    with pytest.raises(UnexpectedAnswer, match="sent no package"):
        unpack_package(io.BytesIO(layer), tmp_path)
    assert list(tmp_path.iterdir()) == []


def archive(*entries: LayerEntry) -> io.BytesIO:
    out = io.BytesIO()
    write_layer(entries, out)
    return io.BytesIO(out.getvalue())


def a_file(path: str, data: bytes = b"x", *, executable: bool = False) -> LayerEntry:
    return file_entry(path, len(data), lambda: io.BytesIO(data), executable=executable)


def by_hand(*members: tarfile.TarInfo) -> io.BytesIO:
    """An archive that our own writer would not write."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for member in members:
            opened.addfile(member, io.BytesIO(bytes(member.size)))
    return io.BytesIO(out.getvalue())


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def test_bytes_run_bits_and_links(tmp_path: Path) -> None:
    count = unpack_package(
        archive(
            a_file("main.py", b"hello"),
            a_file("d/run", b"", executable=True),
            link_entry("to", "d/run"),
            link_entry("e/dangling", "../none"),
        ),
        tmp_path,
    )
    assert count == 4
    assert (tmp_path / "main.py").read_bytes() == b"hello"
    assert not (tmp_path / "main.py").stat().st_mode & 0o111
    assert (tmp_path / "d/run").stat().st_mode & 0o100
    assert (tmp_path / "to").readlink() == Path("d/run")
    assert (tmp_path / "e/dangling").readlink() == Path("../none")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_modes_and_empty_folders(tmp_path: Path) -> None:
    key = file_entry("keys/key", 0, None, mode=0o600)
    hostile = file_entry("hostile", 0, None, mode=0o6755)
    entries = (
        *(key, hostile, directory_entry("keys", mode=0o500), directory_entry("out/deep")),
        *(directory_entry("closed", mode=0), directory_entry("shared", mode=0o1777)),
    )
    with fill_folder(tmp_path / "p") as incoming:
        assert unpack_package(archive(*entries), incoming) == 2
    modes = {path: mode_of(tmp_path / "p" / path) for path in ("keys", "keys/key", "closed")}
    assert modes == {"keys": 0o500, "keys/key": 0o600, "closed": 0o500}
    assert mode_of(tmp_path / "p/hostile") & 0o7000 == 0
    assert mode_of(tmp_path / "p/shared") == 0o777
    assert (tmp_path / "p/out/deep").is_dir()


def test_nothing_stays_of_folders_that_may_not_be_written(tmp_path: Path) -> None:
    key = file_entry("keys/key", 0, None)
    stream = archive(key, directory_entry("keys", mode=0o500))

    def fail_afterwards() -> None:
        with fill_folder(tmp_path / "p") as incoming:
            unpack_package(stream, incoming)
            raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        fail_afterwards()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "stream",
    [
        by_hand(member("../out")),
        by_hand(member("d/../../out")),
        by_hand(member("to", tarfile.SYMTYPE, "/etc")),
        by_hand(member("to", tarfile.SYMTYPE, "../../out")),
        by_hand(member("to", tarfile.SYMTYPE, "to")),
        by_hand(member("to", tarfile.SYMTYPE, ".."), member("to/out")),
        by_hand(member("d", tarfile.SYMTYPE, "."), member("d/out")),
        by_hand(member("d/out"), member("d", tarfile.SYMTYPE, ".")),
        by_hand(member("a"), member("b", tarfile.LNKTYPE, "a")),
        by_hand(member("b", tarfile.LNKTYPE, "../../etc/passwd")),
        by_hand(member("pipe", tarfile.FIFOTYPE)),
        by_hand(member("null", tarfile.CHRTYPE)),
        by_hand(member(".wh.main.py")),
        by_hand(member("d/.wh..wh..opq")),
        by_hand(member("n" * 300)),
        by_hand(member("a"), member("a")),
        by_hand(member("a"), member("a/b")),
        by_hand(member("d", tarfile.SYMTYPE, "."), member("d/out", tarfile.DIRTYPE)),
        by_hand(member("d", tarfile.SYMTYPE, "."), member("d", tarfile.DIRTYPE)),
        by_hand(member("../out", tarfile.DIRTYPE)),
        io.BytesIO(b"no archive at all" * 100),
        io.BytesIO(b""),
        io.BytesIO(archive(a_file("a", bytes(2000))).getvalue()[:1500]),
    ],
)
def test_nothing_leaves_the_folder_and_nothing_stays(stream: io.BytesIO, tmp_path: Path) -> None:
    target = tmp_path / "below" / "package"
    with pytest.raises(Au2Error), fill_folder(target) as incoming:
        unpack_package(stream, incoming)
    assert list((tmp_path / "below").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["below"]


def test_a_path_from_the_root_stays_inside(tmp_path: Path) -> None:
    # As every tool for archives does.
    unpack_package(by_hand(member("/etc/x")), tmp_path)
    assert (tmp_path / "etc/x").is_file()


def test_mistakes_are_told(tmp_path: Path) -> None:
    stream = by_hand(member("one", tarfile.SYMTYPE, "/etc"), member("two", tarfile.SYMTYPE, "two"))
    with pytest.raises(UnexpectedAnswer) as caught:
        unpack_package(stream, tmp_path)
    assert [detail.file for detail in caught.value.details] == ["one"]


def test_an_empty_folder_is_filled_and_another_is_not_touched(tmp_path: Path) -> None:
    with fill_folder(tmp_path) as incoming:
        unpack_package(archive(a_file("a")), incoming)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    for taken in (tmp_path, tmp_path / "a"):
        with pytest.raises(InvalidRequest, match="is not an empty folder"), fill_folder(taken):
            pytest.fail("nothing is to be asked for then")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
