"""Builds that take all they can get: told in a sentence, and nothing is left behind."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from au2.dependencies.build_container import BuildOptions
from au2.domain.errors import DependenciesFailed
from tests.support.machine.engine import MEBIBYTE, NativeHarness
from tests.support.packages.debian_installation import DebianInstallation
from tests.support.packages.dependency_installation import DependencyInstallation
from tests.support.packages.python_packages import make_source

SMALL = BuildOptions(layer_max_bytes=16 * MEBIBYTE, work_bytes=32 * MEBIBYTE, timeout_seconds=60)


@pytest.fixture(autouse=True)
def nothing_left(native_harness: NativeHarness) -> Iterator[None]:
    """After each test the engine has no container of a build, and none of its processes runs."""
    yield
    left = [name for name in native_harness.engine.list_containers() if "build" in name]
    assert left == []
    assert [name for name in running_commands() if "hostile-marker" in name] == []


def running_commands() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue


HOSTILE = {
    "one large file": (
        "head -c 300M /dev/zero >/srv/large; exec -a hostile-marker sleep 1000",
        "wrote more than 64 MiB to the disk",
    ),
    "many files": (
        "mkdir /srv/many; cd /srv/many; seq 30000 | xargs touch; sleep 1000",
        "wrote more than 64 MiB to the disk",
    ),
    "a large file in /tmp": (
        "head -c 300M /dev/zero >/tmp/large; sleep 1000",
        "wrote more than 64 MiB to the disk",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_debian_script_that_fills_the_disk(debian: DebianInstallation, name: str) -> None:
    script, told = HOSTILE[name]
    debian.archive.add("greedy", postinst=script)
    debian.archive.publish()
    debian.options = SMALL

    error = debian.refused("greedy\n")

    assert told in error.message


def test_a_source_that_fills_the_disk(installation: DependencyInstallation) -> None:
    code = "open('/opt/au2/build/large', 'wb').write(bytes(100 << 20))\nimport time\ntime.sleep(99)"
    make_source(installation.package_folder, "greedy", "1", code)
    installation.options = SMALL

    with pytest.raises(DependenciesFailed, match="wrote more than 64 MiB to the disk"):
        installation.install("greedy\n")


def test_a_script_that_forks_without_end(debian: DebianInstallation) -> None:
    debian.archive.add("bomb", postinst="f() { f | f & f; }\nf\nwait\nexit 1")
    debian.archive.add("tool", files={"/usr/bin/tool": "#!/bin/sh\n"})
    debian.archive.publish()
    debian.options = BuildOptions(processes=64, memory_bytes=256 * MEBIBYTE, timeout_seconds=20)

    error = debian.refused("bomb\n")

    # Which of its processes finds no place, dpkg's among them, is chance, and so is the reason.
    assert error.message.startswith(("the Debian package", "installing the dependencies took"))
    # Others build as before.
    assert debian.install("tool\n").lock is not None


def test_processes_left_in_the_background_end_with_the_installation(
    debian: DebianInstallation,
) -> None:
    debian.archive.add(
        "daemon",
        postinst="setsid sh -c ': hostile-marker; sleep 1000' </dev/null >/dev/null 2>&1 &",
    )
    debian.archive.publish()

    assert debian.install("daemon\n").lock is not None


def test_two_equal_installations_at_once(debian: DebianInstallation) -> None:
    debian.archive.add("tool", files={"/usr/bin/tool": "#!/bin/sh\n"}, postinst="sleep 1")
    debian.archive.publish()

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda n: debian.install("tool\n", name=f"t-build-{n}"), range(2)))

    layers = {digest for one in made for digest in list(debian.layer(one))}
    assert "usr/bin/tool" in layers
    assert made[0].base_digest == made[1].base_digest


def test_an_installation_whose_platform_was_killed(
    debian: DebianInstallation, tmp_path: Path
) -> None:
    """Its container outlives it; the next attempt of the same upload removes it first."""
    marker = tmp_path / "running"
    debian.archive.add("tool", "1.0", postinst="echo it sleeps; sleep 1000")
    debian.archive.publish()
    child = os.fork()
    if child == 0:
        try:
            debian.install("tool\n", check=lambda: mark(marker, debian.lines))
        finally:
            os._exit(1)
    try:
        deadline = time.monotonic() + 120
        while not marker.exists():
            assert time.monotonic() < deadline, "the installation did not begin"
            time.sleep(0.05)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    engine = debian.native_harness.engine
    assert [name for name in engine.list_containers() if "build" in name]
    debian.archive.add("tool", "1.1", files={"/usr/bin/tool": "#!/bin/sh\n"})
    debian.archive.publish()

    built = debian.install("tool\n")

    assert "usr/bin/tool" in debian.layer(built)


def mark(path: Path, lines: list[str]) -> None:
    if any("it sleeps" in line for line in lines):
        path.touch()
