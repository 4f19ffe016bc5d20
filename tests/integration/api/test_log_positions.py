"""Where to begin reading a log, asked for over HTTP."""

from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.jobs.job import Job
from tests.support.servers.backend import OPERATOR, Backend


@pytest.fixture
def job(backend: Backend) -> Job:
    context = backend.organization()
    process = backend.process(context)
    backend.version(process)
    job = backend.services.jobs.submit_run(backend.actor(OPERATOR), context, RunOrder(process))
    lines = (f"2030-01-02T03:04:0{n}Z stdout F line {n}\n" for n in range(5))
    backend.append_log(job.id, "".join(lines).encode())
    return job


def ask(client: httpx.Client, backend: Backend, job: int, **query: Any) -> httpx.Response:
    headers = backend.bearer(OPERATOR)
    return client.get(f"/jobs/{job}/logs/position", params=query, headers=headers)


def test_the_log_is_read_from_the_position(
    client: httpx.Client, backend: Backend, job: Job
) -> None:
    found = ask(client, backend, job.id, tail=2).json()
    later = ask(client, backend, job.id, tail=2, since="2030-01-02T04:04:04+01:00").json()
    log = client.get(
        f"/jobs/{job.id}/logs",
        params={"offset_bytes": found["offset_bytes"]},
        headers=backend.bearer(OPERATOR),
    )

    assert (found["attempt"], found["size_bytes"]) == (1, backend.logs.size_bytes(job.id, 1))
    assert [line[-6:] for line in log.text.splitlines()] == ["line 3", "line 4"]
    assert later["offset_bytes"] == found["offset_bytes"] + len(log.text) // 2


def test_without_a_condition_it_is_the_beginning(
    client: httpx.Client, backend: Backend, job: Job
) -> None:
    assert ask(client, backend, job.id).json()["offset_bytes"] == 0


@pytest.mark.parametrize(
    "query",
    [
        {"tail": -1},
        {"tail": 100_001},
        {"tail": 10**30},
        {"tail": "many"},
        {"tail": "1.5"},
        {"since": "yesterday"},
        {"since": "2030-01-02T03:04:05"},
        {"since": "\x00"},
        {"since": "9" * 5000},
        {"since": ""},
        {"attempt": 0},
    ],
)
def test_what_is_no_number_or_time_is_refused(
    client: httpx.Client, backend: Backend, job: Job, query: dict[str, Any]
) -> None:
    answer = ask(client, backend, job.id, **query)

    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["error"]["message"]


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_time_are_times(
    client: httpx.Client, backend: Backend, job: Job, since: str
) -> None:
    found = ask(client, backend, job.id, since=since).json()

    assert found["offset_bytes"] == (0 if since.startswith("0") else found["size_bytes"])


def test_an_attempt_that_is_not_there(client: httpx.Client, backend: Backend, job: Job) -> None:
    assert ask(client, backend, job.id, attempt=2).status_code == 404
    assert ask(client, backend, 99).status_code == 404
