"""Making an image of a hundred files: as a package, and with a Dockerfile."""

import random
from pathlib import Path

from bench.installation import BASE, Installation
from bench.memory import memory_mib, watching
from bench.series import Line, Series, alone, compare
from tests.support.packages.folders import fill_package

FILES = 100
TEMPLATE_FILES = 6
"""Those that ``repo init`` makes."""
LARGE_FILES, LARGE_BYTES = 10, 50_000_000


def write_fresh_files(directory: Path, number: int) -> None:
    """Give every file a content that nobody has seen."""
    source = random.Random(number)
    for index in range(FILES - TEMPLATE_FILES):
        file = directory / f"module_{index % 10}" / f"part_{index}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(source.randbytes(source.randrange(200, 20_000)))


def measure_uploads(installation: Installation, rounds: int) -> Line:
    """Measure an upload until it is available, and ``docker build`` of the same files."""
    au2, docker = installation.au2, installation.docker
    package = fill_package(au2, installation.directory / "a-hundred-files", {})
    dockerfile = installation.directory / "Dockerfile"
    dockerfile.write_text(f"FROM {BASE}\nCOPY . /package\n")
    for counted in (1, rounds):
        ours, theirs = Series(), Series()
        for number in range(counted):
            write_fresh_files(package, 1000 * counted + number)
            with ours.timing():
                uploaded = au2("process", "repo", "upload", package, "--yes", "--wait")
            assert uploaded.exit_code == 0, uploaded
            with theirs.timing():
                built = docker(
                    *("build", "--no-cache", "-q", "-t", "bench/built"),
                    *("-f", dockerfile, package),
                )
            assert built.exit_code == 0, built
            docker.ok("rmi", "bench/built")
    what = f"repo upload of {FILES} files → AVAILABLE, beside docker build"
    return compare(what, ours, theirs, 1.0)


def measure_large_upload(installation: Installation) -> list[Line]:
    """Measure memory: idle, and how much more while 500 MB are uploaded and built."""
    au2, session = installation.au2, installation.server.process_group
    package = fill_package(au2, installation.directory / "large", {})
    source = random.Random(0)
    for index in range(LARGE_FILES):
        (package / f"large_{index}.bin").write_bytes(source.randbytes(LARGE_BYTES))
    idle = memory_mib(session)
    with watching(session) as peak:
        au2.ok("process", "repo", "upload", package, "--yes", "--wait")
    return [
        alone("idle server, all processes (PSS)", "MiB", Series([idle]), 250),
        alone("    more while 500 MB are uploaded and built", "MiB", Series([peak.mib - idle]), 64),
    ]
