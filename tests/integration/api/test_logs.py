"""Logs over HTTP: whole, followed, and complete whenever the job ends."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.lookup import SharedJob
from au2.domain.jobs.job import Claim, Job, JobState, Outcome, Reason
from au2.http.app import make_app
from au2.http.concurrency import CostlyRequests, Slots
from au2.stores.notices import DISPATCHER, FolderNotices
from au2.wire.documents import parse_record
from au2.wire.job import WaitingView
from tests.support.servers.backend import OPERATOR, Backend
from tests.support.servers.live import served

DONE = Outcome(JobState.SUCCEEDED, exit_code=0)


@dataclass(frozen=True)
class Event:
    name: str
    offset: int | None
    data: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        return [record["text"] for record in self.data["records"]]


@pytest.fixture
def job(backend: Backend) -> Job:
    context = backend.organization()
    process = backend.process(context)
    backend.version(process)
    return backend.services.jobs.submit_run(backend.actor(OPERATOR), context, RunOrder(process))


@pytest.fixture
def claim(backend: Backend, job: Job) -> Claim:
    return backend.claim(job.id)


def lines_of(answer: httpx.Response) -> Iterator[str]:
    """Lines as the standard of server-sent events has them, not as ``str.splitlines`` does."""
    rest = b""
    for chunk in answer.iter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode()


def events_of(answer: httpx.Response) -> Iterator[Event]:
    """What comes of the log; on a slow machine the job may have been pending for a while."""
    return (event for event in all_events_of(answer) if event.name != "waiting")


def all_events_of(answer: httpx.Response) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines_of(answer):
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            offset = int(fields["id"]) if "id" in fields else None
            yield Event(fields["event"], offset, json.loads(fields["data"]))
            fields = {}


def follow(backend: Backend, client: httpx.Client, job: Job, **params: int) -> Any:
    return client.stream(
        "GET", f"/jobs/{job.id}/logs/follow", params=params, headers=backend.bearer(OPERATOR)
    )


def write(backend: Backend, job: Job, text: str) -> None:
    backend.log(job.id).write_line("stdout", text)
    backend.notices.send(f"log:{job.id}")


def content_of(event: Event) -> bytes:
    found = b""
    for record in event.data["records"]:
        found += record["text"].encode() if "text" in record else base64.b64decode(record["base64"])
        found += b"" if record.get("partial") else b"\n"
    return found


def test_lines_come_while_the_job_runs(backend: Backend, client: httpx.Client, job: Job):
    with follow(backend, client, job) as answer:
        events = events_of(answer)
        claim = backend.claim(job.id)
        for text in ("one", "two"):
            write(backend, job, text)
            event = next(events)
            assert (event.name, event.texts) == ("log", [text])
            assert event.offset == backend.logs.size_bytes(job.id, 1)
        # Written just before the end, with no notice of its own.
        backend.log(job.id).write_line("stderr", "three")
        backend.end(claim, DONE, {"answer": 42})

        last, end = list(events)

    assert last.texts == ["three"]
    assert (end.name, end.data["state"], end.data["output"]) == ("end", "SUCCEEDED", {"answer": 42})


def test_a_pending_job_says_what_it_waits_for(backend: Backend, client: httpx.Client, job: Job):
    with follow(backend, client, job) as answer:
        events = all_events_of(answer)

        first = next(events)
        dispatcher = FolderNotices(backend.folder / "notices", DISPATCHER)
        second = next(events)
        backend.end(backend.claim(job.id), DONE)
        dispatcher.close()
        (end,) = events

    assert (first.name, first.data["code"]) == ("waiting", "no-dispatcher")
    assert (second.name, second.data["code"]) == ("waiting", "dispatcher")
    assert parse_record(WaitingView, second.data).text == "The dispatcher is about to take it."
    assert (end.name, end.data["state"]) == ("end", "SUCCEEDED")


def test_the_record_of_a_pending_job_says_what_it_waits_for(
    backend: Backend, client: httpx.Client, job: Job
):
    path, headers = f"/jobs/{job.id}", backend.bearer(OPERATOR)

    for params in ({}, {"wait_seconds": 0.01}):
        shown = client.get(path, params=params, headers=headers).json()
        assert shown["waiting"]["code"] == "no-dispatcher"
    backend.claim(job.id)
    assert client.get(path, headers=headers).json()["waiting"] is None


def test_followed_records_cut_no_character(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim
):
    line = ("grün € 😀 " * 40_000).encode()
    pieces = [line[start : start + 8191] for start in range(0, len(line), 8191)]
    for piece in pieces:
        backend.append_log(job.id, b"2030-01-01T00:00:00Z stdout P " + piece + b"\n")
    # A program that printed half a character is shown what it printed, all the same.
    backend.append_log(job.id, b"2030-01-01T00:00:00Z stdout P \xe2\x82\n")
    backend.end(claim, DONE)

    with follow(backend, client, job) as answer:
        *logs, _ = list(events_of(answer))

    records = [record for event in logs for record in event.data["records"]]
    assert "".join(record["text"] for record in records[:-1]).encode() == line
    assert records[-1]["base64"] == "4oI="
    assert len(logs) > 5
    # Whoever goes on from the end of an event gets the rest, each byte once.
    middle = len(logs) // 2
    with follow(backend, client, job, offset_bytes=logs[middle - 1].offset or 0) as answer:
        *rest, _ = list(events_of(answer))
    assert b"".join(map(content_of, (*logs[:middle], *rest))) == line + b"\xe2\x82"


def test_following_goes_on_from_an_offset(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim
):
    write(backend, job, "one")
    seen = backend.logs.size_bytes(job.id, 1)
    write(backend, job, "two")
    backend.end(claim, DONE)

    with follow(backend, client, job, offset_bytes=seen) as answer:
        log, end = list(events_of(answer))

    assert (log.texts, end.name) == (["two"], "end")


def test_notices_may_be_lost(backend: Backend, client: httpx.Client, job: Job, claim: Claim):
    with follow(backend, client, job) as answer:
        events = events_of(answer)
        backend.log(job.id).write_line("stdout", "untold")

        assert next(events).texts == ["untold"]
        backend.end(claim, DONE)
        assert next(events).name == "end"


def test_following_ends_with_the_right_to_read(backend: Backend, client: httpx.Client, job: Job):
    token = backend.services.managed_tokens.create_token(backend.actor(OPERATOR), "spare")
    spare = {"Authorization": f"Bearer {token.secret}"}
    backend.user("member@example.com", "viewer", job.context)
    member = backend.bearer("member@example.com")

    path = f"/jobs/{job.id}/logs/follow"
    with (
        client.stream("GET", path, headers=spare) as by_token,
        client.stream("GET", path, headers=member) as by_member,
    ):
        write(backend, job, "before")
        for answer, headers in ((by_token, spare), (by_member, member)):
            events = events_of(answer)
            assert next(events).texts == ["before"]
            if headers is spare:
                backend.services.managed_tokens.delete_token(backend.actor(OPERATOR), "spare")
            else:
                backend.services.members.remove(
                    backend.actor(OPERATOR), job.context, "member@example.com"
                )

            # Nothing more, also no last event with the job's output.
            assert list(events) == []

    assert client.get(path, headers=spare).status_code == 401
    assert client.get(path, headers=member).status_code == 404


def test_waiting_ends_with_the_token(backend: Backend, client: httpx.Client, job: Job):
    token = backend.services.managed_tokens.create_token(backend.actor(OPERATOR), "spare")
    answers: list[httpx.Response] = []

    def wait() -> None:
        spare = {"Authorization": f"Bearer {token.secret}"}
        params = {"wait_seconds": 30}
        answers.append(client.get(f"/jobs/{job.id}", params=params, headers=spare))

    waiting = threading.Thread(target=wait)
    waiting.start()
    # It has been let in once the use of its token is noted.
    while (
        backend.services.managed_tokens.list_tokens(backend.actor(OPERATOR))[0].last_used_at is None
    ):
        assert waiting.is_alive()
    backend.services.managed_tokens.delete_token(backend.actor(OPERATOR), "spare")
    waiting.join()

    assert answers[0].status_code == 401


def test_a_job_that_never_began(backend: Backend, client: httpx.Client, job: Job):
    with follow(backend, client, job) as answer:
        backend.services.jobs.stop(backend.actor(OPERATOR), job.id)
        (end,) = list(events_of(answer))

    assert end.data["reason"] == Reason.STOPPED
    whole = client.get(f"/jobs/{job.id}/logs", headers=backend.bearer(OPERATOR))
    assert (whole.status_code, whole.content) == (200, b"")


def test_any_bytes_come_through(backend: Backend, client: httpx.Client, job: Job, claim: Claim):
    contents = [bytes(range(256)).replace(b"\n", b""), "ünïcödé \u2028 \r".encode(), b"", b"\xff"]
    lines = [b"2030-01-01T00:00:00Z stdout F %s\n" % content for content in contents]
    backend.append_log(job.id, b"".join(lines))
    backend.end(claim, DONE)

    with follow(backend, client, job) as answer:
        log, _ = list(events_of(answer))

    assert content_of(log) == b"".join(content + b"\n" for content in contents)


def test_a_long_log_comes_in_bounded_events(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim
):
    line = b"2030-01-01T00:00:00.000000000Z stdout F %07d\n"
    wanted = b"".join(b"%07d\n" % number for number in range(60_000))
    backend.append_log(job.id, b"".join(line % number for number in range(60_000)))
    giant = b"x" * (3 << 20)
    backend.append_log(job.id, b"2030-01-01T00:00:00Z stderr F " + giant + b"\n")
    backend.end(claim, DONE)

    with follow(backend, client, job) as answer:
        *logs, end = list(events_of(answer))

    assert end.name == "end"
    assert b"".join(content_of(event) for event in logs) == wanted + giant + b"\n"
    assert all(len(content_of(event)) <= 64 << 10 for event in logs[:-1])
    assert logs[-1].offset == backend.logs.size_bytes(job.id, 1)


def test_a_half_written_record_waits_for_its_rest(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim
):
    backend.append_log(job.id, b"2030-01-01T00:00:00Z stdout F whole\n2030-01-01T00:0")
    with follow(backend, client, job) as answer:
        events = events_of(answer)
        assert next(events).texts == ["whole"]
        backend.append_log(job.id, b"0:00Z stdout F late\n")
        backend.end(claim, DONE)
        assert [event.name for event in events] == ["log", "end"]


def test_the_whole_log_byte_for_byte(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim
):
    data = b"".join(b"2030-01-01T00:00:00Z stdout F \xff%d\n" % number for number in range(20_000))
    backend.append_log(job.id, data)

    whole = client.get(f"/jobs/{job.id}/logs", headers=backend.bearer(OPERATOR))
    assert whole.content == data
    assert whole.headers["content-length"] == str(len(data))
    rest = client.get(
        f"/jobs/{job.id}/logs", params={"offset_bytes": 500_000}, headers=backend.bearer(OPERATOR)
    )
    assert rest.content == data[500_000:]
    beyond = client.get(
        f"/jobs/{job.id}/logs",
        params={"offset_bytes": len(data) + 1},
        headers=backend.bearer(OPERATOR),
    )
    assert (beyond.status_code, beyond.content) == (200, b"")


def test_an_attempt_that_is_not_there(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim
):
    for address in (f"/jobs/{job.id}/logs", f"/jobs/{job.id}/logs/follow"):
        answer = client.get(address, params={"attempt": 2}, headers=backend.bearer(OPERATOR))
        assert answer.status_code == 404


def test_waiting_for_the_end(backend: Backend, client: httpx.Client, job: Job, claim: Claim):
    ending = threading.Timer(0.2, backend.end, (claim, DONE))
    ending.start()

    answer = client.get(
        f"/jobs/{job.id}", params={"wait_seconds": 50}, headers=backend.bearer(OPERATOR)
    )

    ending.join()
    assert answer.json()["state"] == "SUCCEEDED"


def test_waiting_in_vain(backend: Backend, client: httpx.Client, job: Job):
    answer = client.get(
        f"/jobs/{job.id}", params={"wait_seconds": 0.05}, headers=backend.bearer(OPERATOR)
    )

    assert answer.json()["state"] == "PENDING"


def test_followers_are_let_go_when_the_server_stops(backend: Backend, job: Job):
    stopping = threading.Event()
    with (
        served(backend.app(stopping=stopping)) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client,
        follow(backend, client, job) as answer,
    ):
        stopping.set()

        assert list(events_of(answer)) == []


class CountingJobs:
    """The use cases of jobs, which count what is read for those who wait."""

    def __init__(self, jobs: Any) -> None:
        self._jobs = jobs
        self.reads = 0

    def get_shared(self, job_id: int) -> SharedJob:
        self.reads += 1
        found: SharedJob = self._jobs.get_shared(job_id)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)


class CountingLogs:
    """A log store that counts what is read."""

    def __init__(self, logs: Any) -> None:
        self._logs = logs
        self.reads = 0

    def read(self, *args: Any, **named: Any) -> bytes:
        self.reads += 1
        found: bytes = self._logs.read(*args, **named)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logs, name)


def test_followers_of_one_job_share_one_reader(backend: Backend, job: Job, claim: Claim):
    jobs: Any = CountingJobs(backend.services.jobs)
    logs: Any = CountingLogs(backend.logs)
    app = make_app(replace(backend.services, jobs=jobs), backend.notices, logs)
    followers, lines = 60, 20
    with served(app) as address, ExitStack() as stack:
        client = stack.enter_context(
            httpx.Client(
                base_url=f"{address}/api/v1",
                timeout=60,
                limits=httpx.Limits(max_connections=None),
            )
        )
        answers = [stack.enter_context(follow(backend, client, job)) for _ in range(followers)]
        events = [events_of(answer) for answer in answers]
        for number in range(lines):
            write(backend, job, f"line {number}")
            for each in events:
                assert next(each).texts == [f"line {number}"]
        backend.end(claim, DONE)
        assert [[event.name for event in each] for each in events] == [["end"]] * followers
    # Each line is read once, and the end of the log; some more for those who came to it late.
    assert logs.reads < followers * lines / 3
    assert jobs.reads < followers


def test_one_user_follows_so_many_logs(backend: Backend, job: Job):
    app = backend.app()
    app.state.costly = CostlyRequests(streams=Slots(10, most_of_one=2))
    with served(app) as address, ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=f"{address}/api/v1", timeout=60))
        for _ in range(2):
            stack.enter_context(follow(backend, client, job))
        for path in (f"/jobs/{job.id}/logs/follow", f"/jobs/{job.id}?wait_seconds=50"):
            refused = client.get(path, headers=backend.bearer(OPERATOR))
            assert refused.status_code == 429
            assert refused.json()["error"]["code"] == "too-many-requests"
            assert int(refused.headers["retry-after"]) >= 1
        backend.user("other@example.com", "viewer", job.context)
        other = client.get(
            f"/jobs/{job.id}?wait_seconds=0.1", headers=backend.bearer("other@example.com")
        )
        assert other.status_code == 200


@pytest.mark.parametrize("path", ["logs", "logs/follow"])
@pytest.mark.parametrize("offset", [2**62, 2**63 - 1, 2**63 - 100, 2**64, 10**30])
def test_offsets_beyond_every_log(
    backend: Backend, client: httpx.Client, job: Job, claim: Claim, path: str, offset: int
):
    write(backend, job, "one")
    backend.end(claim, DONE)
    answer = client.get(
        f"/jobs/{job.id}/{path}", params={"offset_bytes": offset}, headers=backend.bearer(OPERATOR)
    )
    assert answer.status_code == (200 if offset <= 2**62 else 422)
