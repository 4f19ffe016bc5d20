"""Logs of jobs, read and followed."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from au2.client.http.transport import Transport
from au2.client.resources.job_logs import find_log_position, follow_job_log, read_log
from au2.client.resources.jobs import wait_for_end
from au2.domain.errors import NotFound, ServerUnreachable, UnexpectedAnswer
from au2.domain.network_retry import LIMIT_SECONDS
from au2.stores.logs.record import Record, format_record
from au2.wire.documents import parse_record
from au2.wire.job import JobView, WaitingView
from tests.unit.client.api import Answer, Api, job_document, log_event, sse
from tests.unit.client.passing_time import PassingTime

NOW = "2026-01-01T00:00:00.000000001Z"


def test_a_log_is_read_in_blocks(api: Api, transport: Transport) -> None:
    records = [Record(NOW, "stdout", False, b"\xff" * 5000)] * 100
    body = b"".join(format_record(record) for record in records)
    api.routes["GET /jobs/12/logs"] = Answer(body=body + b"2026 std", chunked=True)

    blocks = list(read_log(transport, 12, attempt=2, budget=PassingTime().budget()))

    assert [record for block in blocks for record in block] == records
    assert len(blocks) > 1
    assert api.requests[0].query == {"attempt": "2", "offset_bytes": "0"}


def test_a_log_goes_on_where_it_was_cut(api: Api, transport: Transport) -> None:
    records = [Record(NOW, "stdout", False, b"%d" % number) for number in range(3)]
    lines = [format_record(record) for record in records]
    api.in_turn(
        "GET /jobs/12/logs",
        Answer(body=lines[0] + lines[1][:9], cut=True),
        Answer(body=b"", cut=True),
        Answer(body=lines[1] + lines[2]),
    )
    time = PassingTime()

    blocks = list(read_log(transport, 12, attempt=1, budget=time.budget()))

    assert [record for block in blocks for record in block] == records
    offsets = [request.query["offset_bytes"] for request in api.requests]
    assert offsets == ["0", str(len(lines[0])), str(len(lines[0]))]


def test_the_position_of_the_last_lines(api: Api, transport: Transport) -> None:
    api.answer("GET /jobs/12/logs/position", {"attempt": 2, "offset_bytes": 7, "size_bytes": 9})

    found = find_log_position(
        transport, 12, tail=5, since=datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    )

    assert (found.attempt, found.offset_bytes, found.size_bytes) == (2, 7, 9)
    assert api.requests[0].query == {"tail": "5", "since": "2026-01-01T02:00:00+02:00"}


def test_a_log_is_read_from_a_position(api: Api, transport: Transport) -> None:
    api.routes["GET /jobs/12/logs"] = Answer(body=b"")

    assert not list(read_log(transport, 12, attempt=1, budget=PassingTime().budget(), offset=7))
    assert api.requests[0].query == {"attempt": "1", "offset_bytes": "7"}


def test_a_log_that_is_cut_for_ever_is_not_taken_for_whole(api: Api, transport: Transport) -> None:
    api.routes["GET /jobs/12/logs"] = Answer(body=b"", cut=True)

    with pytest.raises(ServerUnreachable):
        list(read_log(transport, 12, attempt=1, budget=PassingTime().budget()))


FOLLOW = "GET /jobs/12/logs/follow"
END = ("end", job_document(), None)


def stream(*events: tuple[str, object, int | None], cut: bool = False) -> Answer:
    return Answer(body=sse(*events), media_type="text/event-stream", chunked=True, cut=cut)


@pytest.fixture
def time() -> PassingTime:
    return PassingTime()


def collect(transport: Transport, time: PassingTime) -> tuple[bytes, JobView]:
    printed = b""
    for found in follow_job_log(transport, 12, attempt=1, budget=time.budget(), pause=time.pause):
        if isinstance(found, JobView):
            return printed, found
        printed += b"".join(piece.printed for piece in found)
    raise AssertionError("no end")


def test_the_log_and_its_end(api: Api, transport: Transport, time: PassingTime) -> None:
    api.routes[FOLLOW] = stream(log_event(9, ("stdout", "a"), ("stderr", "b")), END)

    printed, standing = collect(transport, time)

    assert printed == b"a\nb\n"
    assert standing.succeeded


@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "ended early"])
def test_it_goes_on_where_it_was_cut(
    api: Api, transport: Transport, cut: bool, time: PassingTime
) -> None:
    api.in_turn(
        FOLLOW,
        stream(log_event(9, ("stdout", "a")), log_event(20, ("stdout", "b")), cut=cut),
        stream(cut=cut),
        stream(log_event(31, ("stdout", "c")), END),
    )
    printed, _ = collect(transport, time)

    assert printed == b"a\nb\nc\n"
    assert [request.query.get("offset_bytes") for request in api.requests] == [None, "20", "20"]
    assert time.pauses == [0.1, 0.2]
    assert (len(time.outages), time.returns) == (1, 1)


def test_it_gives_up_some_day(api: Api, transport: Transport, time: PassingTime) -> None:
    api.routes[FOLLOW] = stream(cut=True)
    with pytest.raises(ServerUnreachable):
        collect(transport, time)
    assert sum(time.pauses) == pytest.approx(LIMIT_SECONDS)


def test_news_start_the_patience_anew(api: Api, transport: Transport, time: PassingTime) -> None:
    answers = [stream(log_event(n, ("stdout", str(n))), cut=True) for n in range(20)]
    api.in_turn(FOLLOW, *answers, stream(END))
    printed, _ = collect(transport, time)

    assert printed == b"".join(b"%d\n" % n for n in range(20))
    assert time.pauses == [0.1] * 20
    # A connection that is there again at once is nothing to tell of.
    assert time.outages == []


def test_an_error_is_not_tried_again(api: Api, transport: Transport, time: PassingTime) -> None:
    with pytest.raises(NotFound):
        collect(transport, time)
    assert len(api.requests) == 1


def test_bytes_and_parts_of_lines(api: Api, transport: Transport, time: PassingTime) -> None:
    records: Sequence[dict[str, object]] = [
        {"time": "t", "stream": "stdout", "partial": True, "base64": "/wA="},
        {"time": "t", "stream": "stdout", "partial": False, "text": "ä"},
    ]
    api.routes[FOLLOW] = stream(("log", {"records": records}, 4), END)

    assert collect(transport, time)[0] == b"\xff\x00\xc3\xa4\n"


@pytest.mark.parametrize("data", ["x", [], {"records": [1]}, {"records": [{"text": "a"}]}, {}])
def test_what_is_no_log(api: Api, transport: Transport, data: object, time: PassingTime) -> None:
    api.routes[FOLLOW] = stream(("log", data, 1))

    with pytest.raises(UnexpectedAnswer):
        collect(transport, time)


def test_an_unknown_event_is_passed_over(api: Api, transport: Transport, time: PassingTime) -> None:
    api.routes[FOLLOW] = stream(("phase", {"new": 1}, None), END)

    assert collect(transport, time)[1].succeeded


def test_pieces_print_what_was_printed() -> None:
    assert Record("t", "stdout", False, b"x").printed == b"x\n"
    assert Record("t", "stdout", True, b"x").printed == b"x"


def test_waiting(api: Api, transport: Transport, time: PassingTime) -> None:
    def answer(**changes: object) -> Answer:
        return Answer(body=json.dumps(job_document(**changes)).encode())

    api.in_turn(
        "GET /jobs/12",
        answer(state="PENDING"),
        Answer(body=b"", cut=True),
        answer(state="RUNNING"),
        answer(state="FAILED", exit_code=3),
    )

    standing = wait_for_end(transport, 12, budget=time.budget(), pause=time.pause)

    assert (standing.state, standing.exit_code) == ("FAILED", 3)
    asked = [request.query["wait_seconds"] for request in api.requests]
    assert asked == ["2", "25", "25", "25"]
    assert time.pauses == [0.1, 0.1, 0.1]


def test_what_a_pending_job_waits_for_is_told(
    api: Api, transport: Transport, time: PassingTime
) -> None:
    numbers = {"jobs_before": 2, "jobs_taken": 1, "places": 1}
    cause = {"code": "jobs-before", "text": "2 jobs are before it.", **numbers}
    pending = job_document(state="PENDING", waiting=cause)
    api.in_turn(
        "GET /jobs/12",
        *[Answer(body=json.dumps(pending).encode())] * 2,
        Answer(body=json.dumps(job_document(state="RUNNING")).encode()),
        Answer(body=json.dumps(job_document()).encode()),
    )
    told: list[WaitingView | None] = []

    wait_for_end(transport, 12, budget=time.budget(), pause=time.pause, tell=told.append)

    waiting = parse_record(WaitingView, cause)
    assert told == [waiting, waiting, None, None]
    asked = [request.query["wait_seconds"] for request in api.requests]
    assert asked == ["2", "5", "5", "25"]


def test_waiting_gives_up_some_day(api: Api, transport: Transport, time: PassingTime) -> None:
    api.routes["GET /jobs/12"] = Answer(body=b"", cut=True)
    with pytest.raises(ServerUnreachable):
        wait_for_end(transport, 12, budget=time.budget(), pause=time.pause)
    assert sum(time.pauses) == pytest.approx(LIMIT_SECONDS)


def test_retries_are_followed_too(api: Api, transport: Transport, time: PassingTime) -> None:
    def job(newest: int, **changes: object) -> dict[str, object]:
        document = job_document(**changes)
        attempt = document["attempts"][0]
        document["attempts"] = [attempt | {"number": n} for n in range(1, newest + 1)]
        return document

    lost = {"state": "PENDING", "ended_at": None}
    api.in_turn(
        FOLLOW,
        stream(log_event(9, ("stdout", "first")), ("end", job(1, **lost), None)),
        stream(log_event(9, ("stdout", "second")), ("end", job(3, **lost), None)),
        stream(log_event(9, ("stdout", "third")), ("end", job(3), None)),
    )
    api.in_turn(
        "GET /jobs/12",
        Answer(body=json.dumps(job(1, **lost)).encode()),
        Answer(body=json.dumps(job(2, **lost)).encode()),
    )

    printed, standing = collect(transport, time)

    assert printed == b"first\nsecond\nthird\n"
    assert standing.succeeded
    assert [request.query["attempt"] for request in api.of(FOLLOW)] == ["1", "2", "3"]


def test_a_job_that_ends_before_its_retry(
    api: Api, transport: Transport, time: PassingTime
) -> None:
    api.routes[FOLLOW] = stream(("end", job_document(state="PENDING"), None))
    api.answer("GET /jobs/12", job_document(state="STOPPED"))

    assert collect(transport, time)[1].state == "STOPPED"
