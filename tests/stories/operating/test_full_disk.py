"""A disk that is full to the last byte: what people do without more room goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.commands.people import MakePeople
from tests.support.images.image_archives import docker_25, make_image
from tests.support.machine.memory_disk import mounted_in_memory
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess


@pytest.fixture
def server(short_directory: Path) -> Iterator[ServerProcess]:
    disk = short_directory / "small-disk"
    disk.mkdir()
    with mounted_in_memory(disk, "60m"):
        server = ServerProcess(disk / "data")
        server.init()
        server.start()
        yield server
        server.remove()
    disk.rmdir()


def fill(server: ServerProcess) -> Path:
    """Write until not a byte more goes on the disk."""
    path = server.data_dir.parent / "filling"
    with path.open("wb", buffering=0) as file:
        for size_bytes in (1 << 20, 4096, 1):
            try:
                while file.write(b"x" * size_bytes):
                    pass
            except OSError:
                continue
    disk = os.statvfs(server.data_dir)
    assert disk.f_bfree == 0
    return path


def test_people_go_on_while_the_disk_is_full(
    server: ServerProcess, make_people: MakePeople, tmp_path: Path
) -> None:
    people = make_people(server)
    au2 = people.admin()
    kept = au2.json("process", "create", "--name", "kept")["id"]
    version = str(au2.json("process", "version", "create", kept)["version"])
    filling = fill(server)

    for number in range(5):
        again = people.admin()
        made = again.json("process", "create", "--name", f"number {number}")["id"]
        again.ok("process", "delete", made, "--yes")
        token = httpx.get(f"{server.url}/v2/token", auth=(EMAIL, PASSWORD))
        assert token.status_code == 200, token.text
    image = tmp_path / "image.tar"
    image.write_bytes(docker_25(make_image(os.urandom(8 << 20))))
    place = ("--process", kept, "--ver", version)
    refused = au2("process", "version", "upload", *place, "--file", str(image))
    assert refused.exit_code != 0
    assert "no space for the image" in refused.errors
    assert " are free" in refused.errors
    assert list((server.data_dir / "blobs" / "partial").iterdir()) == []

    server.stop()
    server.start()
    assert people.admin().json("process", "show", kept)["name"] == "kept"
    filling.unlink()
    sent = au2("process", "version", "upload", *place, "--file", str(image))
    assert "Job submitted" in sent.text, "the same command goes on"
