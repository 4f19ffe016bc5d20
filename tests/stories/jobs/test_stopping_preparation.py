"""Jobs that are stopped while their image is unpacked, which may take minutes."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layers import unpacking_locked
from au2.oci.spec.digest import hexadecimal
from tests.support.commands.command import Au2
from tests.support.commands.people import MakePeople
from tests.support.images.image_archives import HandMade, docker_25, make_image
from tests.support.packages.folders import submitted_job
from tests.support.servers.server_process import ServerProcess


@contextmanager
def being_unpacked(server: ServerProcess, image: HandMade) -> Iterator[Path]:
    """Be who unpacks the image's only layer; gives the lock that the platform waits for."""
    name, locks = hexadecimal(image.diff_ids[0]), server.data_dir / "layers/locks"
    with unpacking_locked(locks, name):
        yield locks / name[:2]


def is_waited_for(lock: Path) -> bool:
    """Whether another process has the lock's file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if link.parts[2] != str(os.getpid()) and link.readlink() == lock:
                return True
    return False


def stop_while_waiting(au2: Au2, job: str, lock: Path) -> tuple[str, str]:
    """Stop a job that has come to its image; return how it ended."""
    while not is_waited_for(lock):
        time.sleep(0.05)
    au2.ok("job", "stop", job)
    au2("job", "wait", job)
    shown = au2.json("job", "show", job)
    return shown["state"], shown["reason_text"]


def test_stopped_while_the_image_is_unpacked(
    private_server: ServerProcess, make_people: MakePeople, tmp_path: Path
) -> None:
    au2 = make_people(private_server).admin()
    image = make_image(b"content")
    archive = tmp_path / "image.tar"
    archive.write_bytes(docker_25(image))
    process = au2.json("process", "create", "--name", "stopped")["id"]
    version = str(au2.json("process", "version", "create", process)["version"])
    upload = (
        *("process", "version", "upload", "--process", process, "--ver", version),
        *("--file", archive),
    )
    with being_unpacked(private_server, image) as lock:
        job = submitted_job(au2.ok(*upload))
        assert stop_while_waiting(au2, job, lock) == ("STOPPED", "Stopped on request.")
    au2.ok(*upload, "--wait")

    unpacked = private_server.data_dir / "layers" / str(NativeOptions().id_base)
    with being_unpacked(private_server, image) as lock:
        shutil.rmtree(unpacked / hexadecimal(image.diff_ids[0]))
        job = submitted_job(au2.ok("process", "run", process))
        assert stop_while_waiting(au2, job, lock) == ("STOPPED", "Stopped before it ran.")
