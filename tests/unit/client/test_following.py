import json
from collections.abc import Sequence

import pytest

from au2.client.following import RETRY_DELAYS_SECONDS, LogPiece, follow_job
from au2.client.running import JobStanding
from au2.client.transport import Transport
from au2.client.waiting import wait_for_end
from au2.domain.errors import NotFound, ServerUnreachable, UnexpectedAnswer
from tests.unit.client.api import Answer, Api, job_document, log_event, sse

FOLLOW = "GET /jobs/12/logs/follow"
END = ("end", job_document(), None)


def stream(*events: tuple[str, object, int | None], cut: bool = False) -> Answer:
    return Answer(body=sse(*events), media_type="text/event-stream", chunked=True, cut=cut)


def collect(transport: Transport, pauses: list[float] | None = None) -> tuple[bytes, JobStanding]:
    printed = b""
    noted = pauses if pauses is not None else []
    for found in follow_job(transport, 12, attempt=1, pause=noted.append):
        if isinstance(found, JobStanding):
            return printed, found
        printed += b"".join(piece.printed for piece in found)
    raise AssertionError("no end")


def test_the_log_and_its_end(api: Api, transport: Transport) -> None:
    api.routes[FOLLOW] = stream(log_event(9, ("stdout", "a"), ("stderr", "b")), END)

    printed, standing = collect(transport)

    assert printed == b"a\nb\n"
    assert standing.succeeded


@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "ended early"])
def test_it_goes_on_where_it_was_cut(api: Api, transport: Transport, cut: bool) -> None:
    api.in_turn(
        FOLLOW,
        stream(log_event(9, ("stdout", "a")), log_event(20, ("stdout", "b")), cut=cut),
        stream(cut=cut),
        stream(log_event(31, ("stdout", "c")), END),
    )
    pauses: list[float] = []

    printed, _ = collect(transport, pauses)

    assert printed == b"a\nb\nc\n"
    assert [request.query.get("offset") for request in api.requests] == [None, "20", "20"]
    assert pauses == list(RETRY_DELAYS_SECONDS[:2])


def test_it_gives_up_some_day(api: Api, transport: Transport) -> None:
    api.routes[FOLLOW] = stream(cut=True)
    pauses: list[float] = []

    with pytest.raises(ServerUnreachable):
        collect(transport, pauses)
    assert pauses == list(RETRY_DELAYS_SECONDS)


def test_news_start_the_patience_anew(api: Api, transport: Transport) -> None:
    answers = [stream(log_event(n, ("stdout", str(n))), cut=True) for n in range(20)]
    api.in_turn(FOLLOW, *answers, stream(END))
    pauses: list[float] = []

    printed, _ = collect(transport, pauses)

    assert printed == b"".join(b"%d\n" % n for n in range(20))
    assert pauses == [RETRY_DELAYS_SECONDS[0]] * 20


def test_an_error_is_not_tried_again(api: Api, transport: Transport) -> None:
    with pytest.raises(NotFound):
        collect(transport)
    assert len(api.requests) == 1


def test_bytes_and_parts_of_lines(api: Api, transport: Transport) -> None:
    records: Sequence[dict[str, object]] = [
        {"time": "t", "stream": "stdout", "partial": True, "base64": "/wA="},
        {"time": "t", "stream": "stdout", "partial": False, "text": "ä"},
    ]
    api.routes[FOLLOW] = stream(("log", {"records": records}, 4), END)

    assert collect(transport)[0] == b"\xff\x00\xc3\xa4\n"


@pytest.mark.parametrize("data", ["x", [], {"records": [1]}, {"records": [{"text": "a"}]}, {}])
def test_what_is_no_log(api: Api, transport: Transport, data: object) -> None:
    api.routes[FOLLOW] = stream(("log", data, 1))

    with pytest.raises(UnexpectedAnswer):
        collect(transport)


def test_an_unknown_event_is_passed_over(api: Api, transport: Transport) -> None:
    api.routes[FOLLOW] = stream(("phase", {"new": 1}, None), END)

    assert collect(transport)[1].succeeded


def test_pieces_print_what_was_printed() -> None:
    assert LogPiece("t", "stdout", False, b"x").printed == b"x\n"
    assert LogPiece("t", "stdout", True, b"x").printed == b"x"


def test_waiting(api: Api, transport: Transport) -> None:
    def answer(**changes: object) -> Answer:
        return Answer(body=json.dumps(job_document(**changes)).encode())

    pauses: list[float] = []
    api.in_turn(
        "GET /jobs/12",
        answer(state="PENDING"),
        Answer(body=b"", cut=True),
        answer(state="RUNNING"),
        answer(state="FAILED", exit_code=3),
    )

    standing = wait_for_end(transport, 12, pause=pauses.append)

    assert (standing.state, standing.exit_code) == ("FAILED", 3)
    assert all(request.query["wait_seconds"] == "25" for request in api.requests)
    assert pauses == [0.1, RETRY_DELAYS_SECONDS[0], 0.1]


def test_waiting_gives_up_some_day(api: Api, transport: Transport) -> None:
    api.routes["GET /jobs/12"] = Answer(body=b"", cut=True)
    pauses: list[float] = []

    with pytest.raises(ServerUnreachable):
        wait_for_end(transport, 12, pause=pauses.append)
    assert pauses == list(RETRY_DELAYS_SECONDS)


def test_retries_are_followed_too(api: Api, transport: Transport) -> None:
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

    printed, standing = collect(transport)

    assert printed == b"first\nsecond\nthird\n"
    assert standing.succeeded
    assert [request.query["attempt"] for request in api.of(FOLLOW)] == ["1", "2", "3"]


def test_a_job_that_ends_before_its_retry(api: Api, transport: Transport) -> None:
    api.routes[FOLLOW] = stream(("end", job_document(state="PENDING"), None))
    api.answer("GET /jobs/12", job_document(state="STOPPED"))

    assert collect(transport)[1].state == "STOPPED"
