"""An au2 server with one process, and the same images in Docker."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands.command import Au2
from tests.support.commands.people import People
from tests.support.images.docker import Docker
from tests.support.packages.folders import Uploaded, fill_package, upload_package
from tests.support.servers.server_process import ServerProcess

BASE = "bench/base:1"
PACKAGE = "bench/package:1"
CODE = "print('hello')\n"


@dataclass(frozen=True, slots=True)
class Installation:
    """What is measured."""

    server: ServerProcess
    au2: Au2
    docker: Docker
    process: Uploaded
    """A process that prints one line; Docker has its image as :data:`PACKAGE`."""
    directory: Path


@contextmanager
def installed(docker: Docker) -> Iterator[Installation]:
    """Make the server, the process and Docker's images; remove the server afterwards."""
    with tempfile.TemporaryDirectory(prefix="au2-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        server = ServerProcess(directory / "data")
        try:
            server.init()
            server.add_runtime()
            server.start()
            au2 = People(server, directory).admin()
            package = fill_package(au2, directory / "prints-a-line", {"main.py": CODE})
            process = upload_package(au2, package)
            version = au2.json("process", "version", "show", process.process, "1")
            [runtime] = au2.json("runtime", "list")
            docker.copy_image(server.data_dir, runtime["image_digest"], BASE)
            docker.copy_image(server.data_dir, version["image_digest"], PACKAGE)
            yield Installation(server, au2, docker, process, directory)
        finally:
            server.remove()
