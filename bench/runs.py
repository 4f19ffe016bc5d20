"""Running a program that prints one line: over HTTP, with the command, with Docker."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from bench.installation import PACKAGE, Installation
from bench.series import Line, Series, compare
from tests.support.servers.server_process import EMAIL, PASSWORD


@contextmanager
def log_in(installation: Installation) -> Iterator[httpx.Client]:
    """Yield a client that is logged in and has a context."""
    ids = installation.server.ids
    with httpx.Client(
        base_url=f"{installation.server.url}/api/v1",
        params={"organization": ids["organization"], "project": ids["project"]},
        timeout=60,
    ) as client:
        answer = client.post("/login", json={"email": EMAIL, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
        yield client


def time_first_line(client: httpx.Client, process: str, series: Series) -> None:
    """Measure from the run request to the first log line, then follow to the end."""
    begun = time.perf_counter()
    seen = False
    job = client.post("/jobs", json={"process": process}).raise_for_status().json()["id"]
    with client.stream("GET", f"/jobs/{job}/logs/follow") as events:
        for line in events.iter_lines():
            if not seen and line.startswith("data:") and "hello" in line:
                series.values.append(1000 * (time.perf_counter() - begun))
                seen = True
    assert seen, f"job {job} printed nothing"


def time_command(installation: Installation, series: Series) -> None:
    """Measure the whole ``au2 process run --follow``."""
    au2 = installation.au2
    with series.timing():
        result = au2("process", "run", installation.process.process, "--follow")
    assert result.exit_code == 0, result
    assert "hello" in result.text, result


def time_docker_run(installation: Installation, whole: Series, first_line: Series) -> None:
    """Measure the whole ``docker run --rm``, and when its first line came."""
    docker = installation.docker
    begun = time.perf_counter()
    with subprocess.Popen(
        [*docker.command, "run", "--rm", PACKAGE], env=docker.env, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        first = time.perf_counter()
        process.stdout.read()
    ended = time.perf_counter()
    assert (line, process.returncode) == (b"hello\n", 0)
    first_line.values.append(1000 * (first - begun))
    whole.values.append(1000 * (ended - begun))


def measure_runs(installation: Installation, rounds: int) -> list[Line]:
    """Measure all three in turn. One round before them warms everything up."""
    with log_in(installation) as client:
        for counted in (1, rounds):
            over_http, command, docker, docker_line = (Series() for _ in range(4))
            for _ in range(counted):
                time_first_line(client, installation.process.process, over_http)
                time_docker_run(installation, docker, docker_line)
                time_command(installation, command)
    return [
        compare("run over HTTP → first log line, beside docker run", over_http, docker, 0.6),
        compare("    the same, beside docker run's first line", over_http, docker_line),
        compare("au2 process run --follow, beside docker run", command, docker, 1.2),
    ]
