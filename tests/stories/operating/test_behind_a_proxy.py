"""A server that restarts behind a proxy, which answers for it meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands.command import Au2, Result
from tests.support.images.image_archives import docker_25, make_image
from tests.support.network.failing_proxy import failing_proxy
from tests.support.packages.folders import Uploaded
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess

OUTAGE = 4


class Behind:
    """The first user, who reaches the server through a proxy only."""

    def __init__(self, server: ServerProcess, directory: Path) -> None:
        self.server = server
        self.directory = directory

    def run(
        self, goes_away: Callable[[bytes], bool], *words: str | Path, outage: int = OUTAGE
    ) -> Result:
        """Run a command; once in the course of it the server goes away."""
        with failing_proxy(self.server.port, goes_away, outage=outage) as proxy:
            au2 = Au2(self.directory / "behind.toml", proxy.url, self.directory)
            login = ("login", "--email", EMAIL, "--password-stdin")
            au2.ok(*login, stdin=PASSWORD.encode() + b"\n")
            au2.ok("context", "set", self.server.ids["organization"], self.server.ids["project"])
            result = au2(*words)
        assert proxy.refused == outage, result
        return result


@pytest.fixture
def behind(server: ServerProcess, tmp_path: Path) -> Behind:
    return Behind(server, tmp_path)


def at(line: bytes) -> Callable[[bytes], bool]:
    """At the request that begins so."""
    return lambda data: data.startswith(line)


def test_an_upload_goes_on(au2: Au2, behind: Behind, tmp_path: Path) -> None:
    process = au2.json("process", "create", "--name", "behind a proxy")["id"]
    au2.ok("process", "version", "create", process)
    archive = tmp_path / "image.tar"
    archive.write_bytes(docker_25(make_image(os.urandom(5 << 20))))
    sent_bytes = 0

    def in_the_middle(data: bytes) -> bool:
        nonlocal sent_bytes
        sent_bytes += len(data)
        return sent_bytes > 2 << 20

    uploaded = behind.run(
        in_the_middle,
        *("process", "version", "upload", "--process", process, "--ver", "1"),
        *("--file", archive, "--wait"),
    )

    assert uploaded.exit_code == 0, uploaded
    assert "The server does not answer; trying again" in uploaded.errors
    version = au2.json("process", "version", "show", process, "1")
    assert version["image_status"] == "AVAILABLE"


def test_who_waits_goes_on_waiting(
    au2: Au2, behind: Behind, make_process: Callable[..., Uploaded]
) -> None:
    code = "import time\ntime.sleep(2)\nprint('ended')\n"
    process = make_process(au2, {"main.py": code}).process
    run = ("process", "run", process)

    followed = behind.run(at(b"GET /api/v1/jobs/"), *run, "--follow")
    waited = behind.run(at(b"GET /api/v1/jobs/"), *run, "--wait")

    assert followed.exit_code == 0, followed
    assert followed.text.splitlines()[-1] == "ended"
    assert waited.exit_code == 0, waited


def test_what_is_not_safe_to_repeat_is_not_repeated(
    au2: Au2, behind: Behind, make_process: Callable[..., Uploaded]
) -> None:
    process = make_process(au2, {"main.py": "print(1)\n"}).process

    refused = behind.run(at(b"POST /api/v1/jobs"), "process", "run", process, outage=1)

    assert refused.exit_code == 6, refused
    assert "a proxy in front of it answered with status 502 (Bad Gateway)" in refused.errors
