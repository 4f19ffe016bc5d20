"""Jobs that fill the server's disk, on a small ext4: others go on, and the platform does."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands.command import Au2
from tests.support.commands.people import MakePeople
from tests.support.images.image_making import odd_image
from tests.support.machine.small_disk import fill_disk, free_bytes, mounted_ext4
from tests.support.packages.folders import submitted_job
from tests.support.servers.server_process import ServerProcess
from tests.support.waiting import wait_until

BYSTANDER = """\
i=0
while [ $i -lt 80 ]; do echo "line $i"; i=$((i+1)); sleep 0.1; done
"""
HUNGRY = """\
trap 'echo told' TERM
while dd if=/dev/zero bs=1M count=1 2>/dev/null >> /filling; do echo "written more"; done
while :; do echo again >> /filling; sync; echo "still at it"; done
"""
FLOOD = "trap 'echo told' TERM; yes 'a line of a flood, of which there is no end' & wait; wait"


@pytest.fixture
def server(short_directory: Path) -> Iterator[ServerProcess]:
    disk = short_directory / "small-ext4"
    disk.mkdir()
    with mounted_ext4(disk, 96):
        # What the server says goes to another disk.
        (disk / "data.log").symlink_to(short_directory / "small-ext4.log")
        server = ServerProcess(disk / "data", {"AU2_JOBS_STOP_GRACE_SECONDS": "1"})
        server.init()
        server.start()
        yield server
        server.remove()
    disk.rmdir()


class Shell:
    """An image process that runs any script."""

    def __init__(self, au2: Au2, folder: Path, layer: bytes) -> None:
        self.au2 = au2
        self.process = au2.json("process", "create", "--name", "shell")["id"]
        au2.ok("process", "version", "create", self.process)
        archive = folder / "image.tar"
        image = odd_image(layer, Cmd=["/bin/sh", "-c", 'eval "$SCRIPT"'])
        archive.write_bytes(image.docker_archive())
        words = ("--process", self.process, "--ver", "1", "--file", archive, "--wait")
        au2.ok("process", "version", "upload", *words)

    def submit(self, script: str, *options: str) -> str:
        words = ("--env", f"SCRIPT={script}", *options)
        return submitted_job(self.au2.ok("process", "run", self.process, *words))

    def end(self, job: str) -> dict[str, Any]:
        """Wait for the end of a job; return its record."""
        self.au2("job", "wait", job)
        shown: dict[str, Any] = self.au2.json("job", "show", job)
        return shown

    def lines(self, job: str) -> list[str]:
        return self.au2.ok("job", "logs", job).text.splitlines()

    def remarks(self, job: str) -> str:
        """What the platform says in a job's log."""
        return self.au2.ok("job", "logs", job).errors

    def wait_for(self, job: str, line: str) -> None:
        wait_until(lambda: line in self.lines(job))

    def run(self, script: str) -> tuple[str, list[str]]:
        """Run a script to its end; return the job's state and its log."""
        job = self.submit(script)
        return self.end(job)["state"], self.lines(job)


@pytest.fixture
def shell(
    server: ServerProcess, make_people: MakePeople, tmp_path: Path, busybox_layer: bytes
) -> Shell:
    return Shell(make_people(server).admin(), tmp_path, busybox_layer)


def test_a_job_that_fills_the_disk_is_ended_and_nobody_else(
    server: ServerProcess, shell: Shell
) -> None:
    before = free_bytes(server.data_dir)
    bystander = shell.submit(BYSTANDER)
    shell.wait_for(bystander, "line 1")
    hungry = shell.submit(HUNGRY)

    ended = shell.end(hungry)
    assert (ended["state"], ended["reason"]) == ("FAILED", "disk-full")
    assert re.search(r"had written the most \([\d.]+ MiB\)", ended["reason_text"])
    assert shell.end(bystander)["state"] == "SUCCEEDED"
    assert shell.lines(bystander) == [f"line {number}" for number in range(80)]
    assert shell.run("echo fits again") == ("SUCCEEDED", ["fits again"])
    wait_until(lambda: free_bytes(server.data_dir) > before - (8 << 20))
    server.stop()
    server.start()
    assert shell.run("echo after a restart") == ("SUCCEEDED", ["after a restart"])


def test_a_log_that_outgrows_the_disk_is_cut_and_says_so(
    server: ServerProcess, shell: Shell
) -> None:
    bystander = shell.submit(BYSTANDER)
    shell.wait_for(bystander, "line 1")
    flood = shell.submit(FLOOD, "--timeout", "6s")

    ended = shell.end(flood)
    assert (ended["state"], ended["reason"]) in (("FAILED", "timed-out"), ("FAILED", "disk-full"))
    assert "The server's disk was full" in shell.remarks(flood)
    assert ended["attempts"][0]["used"]["log_gaps"] >= 1
    assert shell.end(bystander)["state"] == "SUCCEEDED"
    assert shell.lines(bystander) == [f"line {number}" for number in range(80)]
    assert shell.run("echo fits again") == ("SUCCEEDED", ["fits again"])


def test_stop_is_heard_while_the_disk_is_full(server: ServerProcess, shell: Shell) -> None:
    """Somebody else has filled it to the last byte; jobs that wait begin when there is room."""
    job = shell.submit("i=0; while :; do echo line $i; i=$((i+1)); sleep 0.01; done")
    shell.wait_for(job, "line 3")
    filling = fill_disk(server.data_dir.parent)
    waiting = shell.submit("echo begun")
    shell.au2.ok("job", "stop", job)
    stopped = shell.end(job)
    assert (stopped["state"], stopped["reason"]) == ("STOPPED", "stopped")
    assert shell.au2.json("job", "show", waiting)["state"] == "PENDING"

    # Started on a full disk, twice: what the first start found must not be all there is.
    for _ in range(2):
        server.stop()
        fill_disk(server.data_dir.parent)
        server.start()
    assert shell.au2.json("job", "show", waiting)["state"] == "PENDING"
    filling.unlink()
    assert shell.end(waiting)["state"] == "SUCCEEDED"
    assert shell.lines(waiting) == ["begun"]


def test_a_job_that_ended_on_a_full_disk_while_no_server_ran(
    server: ServerProcess, shell: Shell
) -> None:
    job = shell.submit("echo begun; sleep 2; cat /dev/zero > /filling; echo ended")
    shell.wait_for(job, "begun")
    server.kill()
    wait_until(lambda: free_bytes(server.data_dir) < (256 << 10))
    trial = server.data_dir / "overlay-check-killed"
    for name in ("lower", "upper", "work", "target"):
        (trial / name).mkdir(parents=True)
    folders = f"lowerdir={trial}/lower,upperdir={trial}/upper,workdir={trial}/work"
    mount = ("mount", "-t", "overlay", "overlay", "-o", folders, str(trial / "target"))
    subprocess.run(mount, check=True)
    fill_disk(server.data_dir.parent)

    server.start()
    ended = shell.end(job)
    (server.data_dir.parent / "filling").unlink()
    assert (ended["state"], ended["exit_code"]) == ("SUCCEEDED", 0)
    assert shell.lines(job)[0] == "begun"
    assert not trial.exists()
    assert "overlay-check" not in Path("/proc/self/mountinfo").read_text()


def test_a_job_has_a_limit_for_what_it_writes(
    server: ServerProcess, shell: Shell, tmp_path: Path
) -> None:
    server.stop()
    server.env["AU2_JOBS_DISK_LIMIT_BYTES"] = str(8 << 20)
    server.start()
    for place in ("/filling", "$AU_SCRATCH_DIR/filling"):
        job = shell.submit(f"dd if=/dev/zero bs=1M count=12 of={place}; sleep 600")
        ended = shell.end(job)
        assert (ended["state"], ended["reason"]) == ("FAILED", "disk-full"), ended
        assert "8 MiB that a job may" in ended["reason_text"]
    script = "i=0; while [ $i -lt 6000 ]; do : > /tmp/$i; i=$((i+1)); done; sleep 600"
    assert shell.end(shell.submit(script))["reason"] == "disk-full", "empty files count, too"
    assert shell.run("dd if=/dev/zero bs=1M count=4 of=/some 2>&1 | tail -n 0") == ("SUCCEEDED", [])
