"""Images of people's own: built with Docker, saved, uploaded, run; and uploads that break off."""

import random
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import AU2
from tests.support.commands.command import Au2, Result
from tests.support.commands.people import MakePeople, People
from tests.support.images.busybox import BUSYBOX, make_layer
from tests.support.images.docker import Docker
from tests.support.images.image_archives import docker_20, docker_25, make_image
from tests.support.servers.server_process import ServerProcess, run_server_command

BASE = "au2-test/base:latest"
NAME = "my-name/my-process"
UPLOAD = ("process", "version", "upload")
SLEEPER = f"FROM {BASE}\nCMD sleep 1 && echo SUCCEEDED && exit 0\n"


@pytest.fixture
def build(docker: Docker, busybox_layer: bytes, tmp_path: Path) -> Iterator["Build"]:
    """`docker build` of a Dockerfile on an imported busybox."""
    docker.ok("import", "-", BASE, stdin=busybox_layer)
    yield Build(docker, tmp_path / "folder")
    docker("image", "rm", "--force", NAME)


class Build:
    """A folder with a Dockerfile."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self._docker = docker
        self.folder = folder
        folder.mkdir()

    def __call__(self, dockerfile: str, name: str = NAME) -> None:
        (self.folder / "Dockerfile").write_text(dockerfile)
        self._docker.ok("build", "-t", name, self.folder)


def make_version(au2: Au2, process: str) -> str:
    return str(au2.json("process", "version", "create", process)["version"])


def save_and_upload(docker: Docker, au2: Au2, *words: str) -> Result:
    """`docker save NAME | au2 process version upload … --stdin --wait`."""
    with subprocess.Popen(
        [*docker.command, "save", NAME], stdout=subprocess.PIPE, env=docker.env
    ) as save:
        command = (str(AU2), *UPLOAD, *words, "--stdin", "--wait")
        done = subprocess.run(
            command, stdin=save.stdout, env=au2.env, capture_output=True, check=False
        )
    return Result(command, done.returncode, done.stdout, done.stderr)


def sent_bytes(result: Result) -> float:
    """What the last line of progress says was sent."""
    if "Nothing to send" in result.errors:
        return 0
    found = re.search(r"Sent ([\d.]+) (bytes|KiB|MiB)", result.errors)
    assert found is not None, result
    return float(found[1]) * {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20}[found[2]]


def test_the_walk_of_the_manual(au2: Au2, docker: Docker, build: Build) -> None:
    process = au2.json("process", "create", "--name", "sleeper")["id"]
    created = au2.ok("process", "version", "create", process)
    assert created.text == (
        "┌──────┬───────┐\n│ type │ image │\n├──────┼───────┤\n│ id   │ 1     │\n└──────┴───────┘\n"
    )
    build(SLEEPER)

    uploaded = save_and_upload(docker, au2, "--process", process, "--ver", "1")

    assert uploaded.exit_code == 0, uploaded
    assert re.fullmatch(r"Uploading image\nJob submitted: \d+\n", uploaded.text)
    assert "Version 1 is AVAILABLE" in uploaded.errors
    listed = au2.ok("process", "version", "list", process).text
    assert listed == (
        "┌────┬─────────────┬──────────────┬───────────┐\n"
        "│ id │ description │ image_status │ published │\n"
        "├────┼─────────────┼──────────────┼───────────┤\n"
        "│ 1  │             │ AVAILABLE    │           │\n"
        "└────┴─────────────┴──────────────┴───────────┘\n"
    )
    ran = au2.ok("process", "run", process, "--follow")
    assert "SUCCEEDED" in ran.text

    again = save_and_upload(docker, au2, "--process", process, "--ver", "1")
    assert again.exit_code == 5
    assert "If it is the same image, nothing is to be done." in again.errors
    assert "Version 1 of 'sleeper' has its image already" in again.errors
    assert "au2 process version create" in again.errors


def test_only_what_is_new_is_sent(au2: Au2, docker: Docker, build: Build) -> None:
    process = au2.json("process", "create", "--name", "layers")["id"]
    (build.folder / "big").write_bytes(random.Random(1).randbytes(20 << 20))
    dockerfile = SLEEPER + "COPY big /big\n"
    build(dockerfile)

    first = save_and_upload(docker, au2, "--process", "layers", "--ver", make_version(au2, process))
    same = save_and_upload(docker, au2, "--process", process, "--ver", make_version(au2, process))
    (build.folder / "small").write_bytes(random.Random(2).randbytes(1 << 20))
    build(dockerfile + "COPY small /small\n")
    more = save_and_upload(docker, au2, "--process", process, "--ver", make_version(au2, process))

    for result in (first, same, more):
        assert result.exit_code == 0, result
    assert sent_bytes(first) >= 20 << 20
    assert sent_bytes(same) == 0
    assert 1 << 20 <= sent_bytes(more) < 2 << 20


def test_what_is_no_image_is_refused(people: People, docker: Docker, build: Build) -> None:
    au2 = people.admin()
    process = au2.json("process", "create", "--name", "refused")["id"]
    number = make_version(au2, process)
    words = (*UPLOAD, "--process", process, "--ver", number, "--stdin", "--wait")
    build(SLEEPER)
    archive = docker.ok("save", NAME).stdout

    empty = au2(*words, stdin=b"")
    cut = au2(*words, stdin=archive[: len(archive) // 2])
    viewer = people.member("viewer", of=au2)(*words, stdin=archive)

    assert (empty.exit_code, cut.exit_code, viewer.exit_code) == (1, 1, 4)
    assert "nothing came in" in empty.errors
    assert "cut off" in cut.errors
    listed = au2.json("process", "version", "list", process)
    assert [version["image_status"] for version in listed] == ["FAILED"]
    au2.ok(*words, stdin=archive)


def test_a_killed_upload_goes_on(au2: Au2, tmp_path: Path) -> None:
    process = au2.json("process", "create", "--name", "killed")["id"]
    number = make_version(au2, process)
    layers = [random.Random(seed).randbytes(40 << 20) for seed in range(10, 13)]
    image = make_image(*layers)
    archive = tmp_path / "image.tar"
    archive.write_bytes(docker_20((image, ["a/b:1"])))
    words = (*UPLOAD, "--process", process, "--ver", number, "--file", archive)

    killed = au2.background(*words)
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"Uploading image\n"
    time.sleep(0.15)
    killed.kill()
    killed.communicate()
    again = au2.ok(*words, "--wait")

    assert "Resuming the upload that was begun before." in again.errors
    assert sent_bytes(again) < sum(map(len, image.layers))
    assert f"Version {number} is AVAILABLE" in again.errors
    assert au2.ok(*words, "--wait").text == f"Version {number} has this very image already.\n"


def test_an_interrupted_upload_says_how_to_go_on(au2: Au2) -> None:
    process = au2.json("process", "create", "--name", "interrupted")["id"]
    number = make_version(au2, process)
    words = (*UPLOAD, "--process", process, "--ver", number, "--stdin")
    with subprocess.Popen(
        [str(AU2), *words],
        env=au2.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as upload:
        assert upload.stdout is not None
        assert upload.stderr is not None
        assert upload.stdout.readline() == b"Uploading image\n"
        upload.send_signal(2)
        told = upload.stderr.read()

    assert upload.returncode == 130
    assert b"Give the same command again" in told
    image = make_image(b"one")
    again = au2.ok(*words, "--wait", stdin=docker_25(image))
    assert "Resuming the upload that was begun before." in again.errors


def test_a_server_killed_again_and_again(
    private_server: ServerProcess, make_people: MakePeople
) -> None:
    au2 = make_people(private_server).admin()
    process = au2.json("process", "create", "--name", "stubborn")["id"]
    number = make_version(au2, process)
    chance = random.Random(20)
    base = make_layer({"bin/busybox": BUSYBOX.read_bytes()}, {"bin/sh": "busybox"})
    made = make_image(*(random.Random(seed).randbytes(15 << 20) for seed in range(30, 50)))
    image = type(made)((base, *made.layers))
    archive = docker_20((image, ["a/b:1"]))
    part_bytes = len(archive) // 21

    with subprocess.Popen(
        [str(AU2), *UPLOAD, "--process", process, "--ver", number, "--stdin", "--wait"],
        env=au2.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as upload:
        assert upload.stdin is not None
        for kill in range(20):
            # A layer or so more: what was read before is being sent at this moment.
            upload.stdin.write(archive[kill * part_bytes : (kill + 1) * part_bytes])
            time.sleep(chance.uniform(0, 0.1))
            private_server.kill()
            private_server.start()
        out, err = upload.communicate(archive[20 * part_bytes :])

    assert upload.returncode == 0, err.decode()
    assert b"The server does not answer; trying again until" in err
    assert f"Version {number} is AVAILABLE".encode() in err
    assert re.fullmatch(rb"Uploading image\nJob submitted: \d+\n", out)
    au2.ok("process", "run", process, "--follow")
    checked = run_server_command("fsck", "--data-dir", private_server.data_dir)
    assert checked.exit_code == 0, checked


def test_of_two_who_send_one_wins(people: People) -> None:
    au2 = people.admin()
    other = people.member("developer", of=au2)
    process = au2.json("process", "create", "--name", "two")["id"]
    words = (*UPLOAD, "--process", process, "--ver", make_version(au2, process), "--stdin")
    archive = docker_25(make_image(b"one"))
    with subprocess.Popen(
        [str(AU2), *words],
        env=au2.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"Uploading image\n"
        refused = other(*words, stdin=archive)
        own = au2.background(*words)
        assert own.stderr is not None
        waiting = own.stderr.readline()
        # Longer than a sender may be silent: signs of life come although nothing is read.
        time.sleep(8)
        assert own.poll() is None
        _, told = first.communicate(archive)
        _, end = own.communicate()

    assert refused.exit_code == 5
    assert "is sending an image to version 1" in refused.errors
    assert re.match(rb"Another command is sending to version 1 .* waiting until it ends", waiting)
    assert first.returncode == 0, told
    assert own.returncode == 5
    assert re.search(rb"has its image already|is being imported", end)
