"""Images that people bring: the same archives, sent to au2 and loaded into Docker."""

import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.huge_image import write_huge_archive
from bench.installation import Installation
from bench.memory import memory_mib, watching
from bench.runs import log_in, time_first_line
from bench.series import Line, Series, alone, compare
from tests.support.checkout import AU2
from tests.support.images.busybox import BUSYBOX

TAG = "bench/image"
SMALL_FILES, MIDDLE_FILES, LARGE_FILES = 12_000, 300, 8
_INODES_REST_SECONDS = 65
HUGE_LAYERS, HUGE_LAYER_BYTES = 4, 1 << 30
_SENT = re.compile(r"Sent ([0-9.]+) (bytes|KiB|MiB|GiB)")
_UNITS = {"bytes": 1 / (1 << 20), "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}


class Sending:
    """Sends archives to versions of one process."""

    def __init__(self, installation: Installation, name: str) -> None:
        self._au2 = installation.au2
        made = self._au2.json("process", "create", "--name", name)
        self.process: str = made["id"]
        self._version = 0

    def send(self, archive: Path, series: Series) -> float:
        """Pipe an archive into the command until AVAILABLE; return the MiB that were sent."""
        self._make_version()
        with archive.open("rb") as file, series.timing(), _piped(file) as pipe:
            done = subprocess.run(
                [*self._command(), "--stdin", "--wait"],
                stdin=pipe,
                env=self._au2.env,
                capture_output=True,
                check=False,
            )
        errors = done.stderr.decode()
        assert done.returncode == 0, errors
        return _sent_mib(errors)

    def _make_version(self) -> None:
        self._au2.ok("process", "version", "create", self.process)
        self._version += 1

    def _command(self) -> list[str]:
        where = ("--process", self.process, "--ver", str(self._version))
        return [str(AU2), "process", "version", "upload", *where]

    def send_huge(self) -> None:
        """Send an image of 4 GiB that is written while it is sent."""
        self._make_version()
        with subprocess.Popen(
            [*self._command(), "--stdin", "--wait"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=self._au2.env,
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            errors: list[bytes] = []
            reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))  # type: ignore[union-attr]
            reader.start()
            write_huge_archive(process.stdin, HUGE_LAYERS, HUGE_LAYER_BYTES)
            process.stdin.close()
            reader.join()
        assert process.returncode == 0, errors


@contextmanager
def _piped(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """What ``docker save |`` gives: a pipe, not a file that could be read from the middle."""
    with subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        yield cat.stdout


def _sent_mib(errors: str) -> float:
    found = _SENT.findall(errors)
    return float(found[-1][0]) * _UNITS[found[-1][1]] if found else 0.0


def _fill(folder: Path, count: int, least: int, most: int, source: random.Random) -> None:
    for number in range(count):
        part = folder / str(number % 100)
        part.mkdir(parents=True, exist_ok=True)
        (part / str(number)).write_bytes(source.randbytes(source.randrange(least, most)))


def build_gigabyte(installation: Installation, seed: int) -> Path:
    """Build an image of a gigabyte that nobody has seen, of small and large files, and save it."""
    docker, source = installation.docker, random.Random(seed)
    folder = installation.directory / f"image-{seed}"
    folder.mkdir()
    _fill(folder / "small", SMALL_FILES, 500, 30_000, source)
    _fill(folder / "middle", MIDDLE_FILES, 200_000, 2_500_000, source)
    _fill(folder / "large", LARGE_FILES, 50_000_000, 54_000_000, source)
    (folder / "busybox").write_bytes(BUSYBOX.read_bytes())
    (folder / "busybox").chmod(0o755)
    lines = ["FROM scratch", "COPY busybox /bin/busybox", "COPY small /small"]
    lines += ["COPY middle /middle", "COPY large /large", 'CMD ["/bin/busybox", "echo", "hello"]']
    (folder / "Dockerfile").write_text("\n".join(lines))
    docker.ok("build", "-q", "-t", f"{TAG}:{seed}", folder)
    return save(installation, f"{TAG}:{seed}")


def build_on_top(installation: Installation, seed: int) -> Path:
    """Build an image with a new layer of a megabyte on it, and save it."""
    folder = installation.directory / f"top-{seed}"
    folder.mkdir()
    (folder / "top").write_bytes(random.Random(seed).randbytes(1 << 20))
    (folder / "Dockerfile").write_text(f"FROM {TAG}:{seed}\nCOPY top /top\n")
    installation.docker.ok("build", "-q", "-t", f"{TAG}:top-{seed}", folder)
    return save(installation, f"{TAG}:top-{seed}")


def save(installation: Installation, tag: str) -> Path:
    """Save an image as people do."""
    archive = installation.directory / f"{tag.rpartition(':')[2]}.tar"
    installation.docker.ok("save", "-o", archive, tag)
    return archive


def build_all(installation: Installation, seeds: range) -> list[tuple[Path, Path]]:
    """Build and save the images of all rounds, and let Docker forget them again."""
    docker = installation.docker
    archives = []
    for seed in seeds:
        archives.append((build_gigabyte(installation, seed), build_on_top(installation, seed)))
        docker.ok("rmi", "-f", f"{TAG}:{seed}", f"{TAG}:top-{seed}")
        docker.ok("image", "prune", "-f")
    return archives


def settle() -> None:
    """Wait until what was built, saved and removed does not slow down whoever comes first.

    It has to be written to disk; and ext4 gives an inode away again only a minute after its file
    was removed (``recently_deleted`` in the kernel's fs/ext4/ialloc.c), so until then every new
    file costs a walk past all that were removed.
    """
    os.sync()
    time.sleep(_INODES_REST_SECONDS)


def measure_images(installation: Installation, rounds: int) -> list[Line]:
    """Measure first uploads, second ones, and a small change, beside ``docker load``."""
    first, again, top, docker_load = (Series() for _ in range(4))
    again_mib, top_mib = Series(), Series()
    archives = build_all(installation, range(1, rounds + 1))
    settle()
    for seed, (archive, changed) in enumerate(archives, start=1):
        size_mib = archive.stat().st_size / (1 << 20)
        sending = Sending(installation, f"image {seed}")
        sending.send(archive, first)
        os.sync()
        with docker_load.timing():
            installation.docker.ok("load", "-i", archive)
        os.sync()
        again_mib.values.append(100 * sending.send(archive, again) / size_mib)
        top_mib.values.append(sending.send(changed, top))
        os.sync()
    return [
        compare("version upload of 1 GB → AVAILABLE, beside docker load", first, docker_load, 1.0),
        compare("the same again to a new version, beside the first time", again, first, 0.2),
        alone("    bytes sent of it", "%", again_mib, 5),
        alone("a new top layer of 1 MB: bytes sent", "MiB", top_mib, 5),
        measure_memory(installation),
    ]


def measure_memory(installation: Installation) -> Line:
    """Measure how much memory the server takes on while 4 GiB are uploaded and imported."""
    session = installation.server.process_group
    sending = Sending(installation, "huge")
    idle = memory_mib(session)
    with watching(session) as peak:
        sending.send_huge()
    more = Series([peak.mib - idle])
    return alone("server memory, more while 4 GB are uploaded", "MiB", more, 96)


def measure_starts(installation: Installation, rounds: int) -> Line:
    """Measure a job on an image version beside one on the packaged version of the same image."""
    au2 = installation.au2
    archive = installation.directory / "packaged.tar"
    packaged = installation.process.process
    au2.ok("process", "version", "download", packaged, "1", "-o", archive)
    sending = Sending(installation, "the packaged one as an image")
    sending.send(archive, Series())
    with log_in(installation) as client:
        for counted in (2, rounds):
            image, package = Series(), Series()
            for _ in range(counted):
                time_first_line(client, sending.process, image)
                time_first_line(client, packaged, package)
    what = "start of a job on an image version, beside a packaged one"
    return compare(what, image, package, _AS_ONE)


_AS_ONE = 1.1
"""Equal, but for the noise of a shared machine."""
