"""The server is killed, or its disk is full: the record tells the truth, and the log is whole."""

import os
import re
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from au2.server.data_directory import DataDirectory
from tests.support.commands.command import Au2
from tests.support.commands.people import MakePeople
from tests.support.machine.memory_disk import mounted_in_memory
from tests.support.packages.folders import Uploaded, fill_package, submitted_job, upload_package
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import ServerProcess

MakeProcess = Callable[..., Uploaded]

COUNTER = """\
import os, time
for number in range(40):
    print(f"line {number}", flush=True)
    time.sleep(0.1)
open(os.environ["AU_OUTPUT_FILE"], "w").write('{"counted": 40}')
"""
ALL_LINES = "".join(f"line {number}\n" for number in range(40)).encode()


def follow_until(au2: Au2, job: str, wanted: bytes) -> "subprocess.Popen[bytes]":
    """Start following a log and return once ``wanted`` was seen."""
    follow = au2.background("job", "logs", job, "--follow")
    assert follow.stdout is not None
    for line in follow.stdout:
        if line == wanted:
            return follow
    raise AssertionError(f"the log ended before {wanted!r}")


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()


def test_server_killed_while_a_job_runs(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    au2 = make_people(private_server).admin()
    process = make_process(au2, {"main.py": COUNTER})
    job = submitted_job(au2.ok("process", "run", process.process))
    follow = follow_until(au2, job, b"line 5\n")

    private_server.kill()
    end(follow)
    private_server.start()

    waited = au2("job", "wait", job)
    shown = au2.json("job", "show", job)
    assert au2.ok("job", "logs", job).stdout == ALL_LINES
    assert (shown["state"], shown["exit_code"], waited.exit_code) == ("SUCCEEDED", 0, 0)
    assert shown["output"] == {"counted": 40}
    assert len(shown["attempts"]) == 1, "the same container went on; nothing ran twice"


def test_job_ends_while_the_server_is_down(
    private_server: ServerProcess,
    make_people: MakePeople,
    make_process: MakeProcess,
    tmp_path: Path,
) -> None:
    au2 = make_people(private_server).admin()
    short = (
        "import time\nprint('one', flush=True)\ntime.sleep(1)\nprint('two')\nraise SystemExit(4)\n"
    )
    process = make_process(au2, {"main.py": short})
    job = submitted_job(au2.ok("process", "run", process.process))
    follow = follow_until(au2, job, b"one\n")
    container = containers_of(private_server)

    private_server.kill()
    end(follow)
    wait_until_gone(container)
    private_server.start()

    au2("job", "wait", job)
    shown = au2.json("job", "show", job)
    assert (shown["state"], shown["reason"], shown["exit_code"]) == ("FAILED", "exit-code", 4)
    assert au2.ok("job", "logs", job).stdout == b"one\ntwo\n"


def test_monitor_killed_is_engine_lost(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    au2 = make_people(private_server).admin()
    process = make_process(au2, {"main.py": COUNTER})
    job = submitted_job(au2.ok("process", "run", process.process))
    follow = follow_until(au2, job, b"line 3\n")

    for pid in monitors_of(private_server):
        os.kill(pid, 9)
    waited = au2("job", "wait", job)
    end(follow)

    shown = au2.json("job", "show", job)
    assert (shown["state"], shown["reason"], waited.exit_code) == ("FAILED", "engine-lost", 1)
    assert shown["exit_code"] is None


def test_a_job_that_waited_runs_after_the_restart(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    au2 = make_people(private_server).admin()
    process = make_process(au2, {"main.py": "print('ran')\n"})
    jobs = [submitted_job(au2.ok("process", "run", process.process)) for _ in range(4)]

    private_server.kill()
    private_server.start()

    for job in jobs:
        assert au2("job", "wait", job).exit_code == 0, au2("job", "show", job)
        assert au2.ok("job", "logs", job).stdout == b"ran\n"


def test_a_clean_stop_is_quick_and_clean(private_server: ServerProcess) -> None:
    assert private_server.stop() == 0
    assert running_below(private_server.data_dir) == []


def test_a_second_server_on_the_same_data_is_refused(private_server: ServerProcess) -> None:
    second = ServerProcess(private_server.data_dir, private_server.env)

    with pytest.raises(Exception, match=r"already|running|in use"):
        second.start()
    assert private_server.is_running()


# --- a full disk


def remount(directory: Path, size_kib: int) -> None:
    subprocess.run(
        ["mount", "-o", f"remount,size={size_kib}k", str(directory)],
        check=True,
        capture_output=True,
    )


def used_kib(directory: Path) -> int:
    info = os.statvfs(directory)
    return (info.f_blocks - info.f_bfree) * info.f_frsize // 1024


@pytest.fixture
def small_disk(short_directory: Path) -> Iterator[Path]:
    """A file system of its own, whose size a test sets."""
    directory = short_directory / "small-disk"
    directory.mkdir()
    with mounted_in_memory(directory, "2g"):
        yield directory
    directory.rmdir()


def test_disk_full_during_an_upload(
    small_disk: Path, make_server: MakeServer, make_people: MakePeople, tmp_path: Path
) -> None:
    server = make_server(data_dir=small_disk / "data")
    server.start()
    au2 = make_people(server).admin()
    package = fill_package(au2, tmp_path / "package", {"main.py": "print('fits')\n"})
    uploaded = upload_package(au2, package)
    before = used_kib(small_disk)
    (package / "big.bin").write_bytes(os.urandom(48 << 20))

    remount(small_disk, before + 24_000)
    full = au2("process", "repo", "upload", package, "--yes", "--wait")

    assert full.exit_code == 1, full
    assert re.search("full|space", full.errors), full
    assert used_kib(small_disk) < before + 12_000, "nothing big is left behind"
    ran = au2.ok("process", "run", uploaded.process, "--follow")
    assert "fits" in ran.text

    remount(small_disk, 2 << 20)
    again = au2.ok("process", "repo", "upload", package, "--yes", "--wait")
    version = re.search(r"Version created: (\d+)", again.text)
    assert version
    shown = au2.json("process", "version", "show", uploaded.process, version[1])
    assert shown["image_status"] == "AVAILABLE"


# --- what runs on behalf of a server


def running_below(data_dir: Path, name: str = "") -> list[int]:
    """Processes whose command line names the data directory or its folder for running state."""
    named = (str(data_dir).encode(), DataDirectory(data_dir).instance.encode())
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if any(text in line for text in named) and name.encode() in line:
            found.append(int(entry.name))
    return found


def monitors_of(server: ServerProcess) -> list[int]:
    """Process ids of the container monitors that run for a server."""
    found = running_below(server.data_dir, "conmon")
    assert found
    return found


def containers_of(server: ServerProcess) -> list[int]:
    """Process ids of the containers' first processes: children of the monitors."""
    return [
        int(child)
        for pid in monitors_of(server)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


def wait_until_gone(pids: list[int]) -> None:
    """Wait until these processes have ended, whoever their parent is."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue

        select.select([descriptor], [], [])
        os.close(descriptor)
