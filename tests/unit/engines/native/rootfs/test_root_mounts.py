"""What an image lacks, or has in the way, where file systems are mounted."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.engines.native.rootfs.root_mounts import make_mount_points, make_volume

OWNER = os.getuid()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    folder.mkdir()
    return folder


@pytest.fixture
def root(image: Path) -> Iterator[int]:
    descriptor = os.open(image, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_an_empty_image(image: Path, root: int) -> None:
    mask = os.umask(0o077)
    try:
        make_mount_points(root, OWNER)
    finally:
        os.umask(mask)
    assert sorted(path.name for path in image.iterdir()) == ["dev", "etc", "proc", "sys"]
    assert {path.stat().st_mode & 0o7777 for path in image.iterdir()} == {0o755}
    names = ["hostname", "hosts", "mtab", "resolv.conf"]
    assert sorted(path.name for path in (image / "etc").iterdir()) == names
    assert (image / "etc/mtab").readlink() == Path("/proc/mounts")


def test_what_is_there_stays(image: Path, root: int) -> None:
    (image / "etc").mkdir(mode=0o700)
    (image / "etc/hosts").write_text("kept")
    make_mount_points(root, OWNER)
    make_mount_points(root, OWNER)
    assert (image / "etc").stat().st_mode & 0o7777 == 0o700
    assert (image / "etc/hosts").read_text() == "kept"


@pytest.mark.parametrize("target", ["/outside", "../../outside", "outside", "resolv.conf"])
def test_links_give_place(image: Path, root: int, tmp_path: Path, target: str) -> None:
    (image / "etc").mkdir()
    (image / "etc/resolv.conf").symlink_to(target)
    (image / "etc/mtab").write_text("old")
    (image / "proc").symlink_to("etc")
    make_mount_points(root, OWNER)
    assert (image / "etc/resolv.conf").read_bytes() == b""
    assert not (image / "etc/resolv.conf").is_symlink()
    assert not (image / "proc").is_symlink()
    assert (image / "etc/mtab").is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == ["image"]


@pytest.mark.parametrize("name", ["proc", "sys", "dev", "etc"])
def test_a_file_gives_place_to_a_folder(image: Path, root: int, name: str) -> None:
    (image / name).write_text("")
    make_mount_points(root, OWNER)
    assert (image / name).is_dir()


def test_a_linked_folder_stays_where_it_is_one(image: Path, root: int, tmp_path: Path) -> None:
    (image / "usr/etc").mkdir(parents=True)
    (image / "etc").symlink_to("/usr/etc")
    (tmp_path / "outside").mkdir()
    (image / "dev").symlink_to(tmp_path / "outside")
    (image / "run").write_text("kept")
    make_mount_points(root, OWNER)
    assert (image / "etc").is_symlink()
    assert (image / "usr/etc/hosts").is_file()
    # It leads out of the root, so in there it leads nowhere.
    assert (image / "dev").is_dir()
    assert not (image / "dev").is_symlink()
    assert (image / "run").read_text() == "kept"
    assert list((tmp_path / "outside").iterdir()) == []


def test_folders_in_the_way_of_files_are_left(image: Path, root: int) -> None:
    (image / "etc/hosts/deep").mkdir(parents=True)
    (image / "etc/mtab").mkdir()
    make_mount_points(root, OWNER)
    assert (image / "etc/hosts/deep").is_dir()
    assert (image / "etc/mtab").is_dir()


def test_volumes(image: Path, root: int, tmp_path: Path) -> None:
    (image / "there").mkdir(mode=0o700)
    (image / "link").symlink_to("/there")
    (image / "file").write_text("")
    (image / "out").symlink_to(tmp_path)
    for path in ("/there", "/new/deep/", "link/inside", "../up", "/file/x", "/out/x", "", "/"):
        make_volume(root, path, OWNER)
    assert (image / "there").stat().st_mode & 0o7777 == 0o700
    assert (image / "new/deep").stat().st_mode & 0o7777 == 0o755
    assert (image / "there/inside").is_dir()
    assert (image / "up").is_dir()
    assert (image / "file").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["image"]


def test_a_volume_of_a_senseless_path_costs_little(
    image: Path, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stat = os.stat

    def counted(path: str, **options: object) -> os.stat_result:
        asked.append(path)
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", counted)
    make_volume(root, "/v/" + "x" * 300 + "/a" * 1000, OWNER)
    assert asked == ["v", "x" * 300]
    make_volume(root, "/w" + "/a" * 2047, OWNER)
    assert asked == ["v", "x" * 300], "no system call takes such a path"
    assert [path.name for path in image.iterdir()] == ["v"]
