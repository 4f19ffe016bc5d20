"""A package's files, folders and modes beside what ``COPY . /package`` makes of the same folder."""

import random
import tarfile
from pathlib import Path

import pytest

from au2.images.package_image import build_package
from au2.local.container_runner import store_contents
from au2.oci.tar.layer import MemberType, read_layer
from au2.package.manifest import Manifest
from au2.package.tree.scan import scan_package
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.images.busybox import make_image, make_layer
from tests.support.images.docker import Docker

_MODES = (
    0o644,
    0o664,
    0o600,
    0o755,
    0o700,
    0o775,
    0o444,
    0o555,
    0o640,
    0o777,
    0o4755,
    0o2755,
    0o1777,
)


def make_package(folder: Path, seed: int) -> None:
    """Make a folder of many modes, some of its folders empty."""
    chosen = random.Random(seed)
    folder.mkdir()
    (folder / "aunsight.yml").write_text("name: p\nruntime: r\n")
    (folder / "main.py").write_text("")
    folders = [folder]
    for number in range(20):
        made = chosen.choice(folders) / f"d{number}"
        made.mkdir()
        folders.append(made)
    for number in range(20):
        file = chosen.choice(folders) / f"f{number}"
        file.write_text("x")
        file.chmod(chosen.choice(_MODES))
    for made in reversed(folders[1:]):
        made.chmod(chosen.choice(_MODES) | 0o500)


def read_package(archive: tarfile.TarFile, prefix: str) -> dict[str, tuple[bool, int]]:
    """Path → whether it is a folder, and its mode without what only root could have set."""
    members = {member.name.strip("./"): member for member in archive}
    return {
        path.removeprefix(prefix): (member.isdir(), member.mode & 0o777)
        for path, member in members.items()
        if path.startswith(prefix)
    }


def by_docker(docker: Docker, folder: Path) -> dict[str, tuple[bool, int]]:
    tag = f"copy-{folder.name}"
    (folder.parent / "Dockerfile").write_text(
        f"FROM scratch\nCOPY {folder.name} /package/\nCMD x\n"
    )
    docker.ok("build", "-q", "-t", tag, folder.parent)
    container = docker.ok("create", tag).text.strip()
    docker.ok("export", "-o", folder.parent / "exported.tar", container)
    docker.ok("rm", container)
    with tarfile.open(folder.parent / "exported.tar") as archive:
        return read_package(archive, "package/")


def by_au2(blobs: FileContentStore, folder: Path) -> dict[str, tuple[bool, int]]:
    files = scan_package(folder).entries
    store_contents(blobs, files)
    digest = build_package(
        blobs,
        make_image([make_layer({"bin/python3": b""})]).save(blobs),
        files,
        manifest=Manifest("p", "", "r"),
        environment={},
        log=lambda _: None,
    )
    layer = load_image(blobs, digest).manifest.layers[-1].digest
    with blobs.open(layer) as stream:
        return {
            member.path.removeprefix("package/"): (
                member.type is MemberType.DIRECTORY,
                member.mode,
            )
            for member in read_layer(stream)
            if member.path.startswith("package/")
        }


@pytest.mark.parametrize("seed", range(5))
def test_the_same_modes_and_folders(docker: Docker, tmp_path: Path, seed: int) -> None:
    folder = tmp_path / f"package{seed}"
    make_package(folder, seed)

    assert by_au2(FileContentStore(tmp_path / "blobs"), folder) == by_docker(docker, folder)
