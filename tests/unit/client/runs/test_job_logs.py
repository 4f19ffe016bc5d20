import pytest

from au2.client.http.transport import Transport
from au2.client.runs.job_logs import read_log
from au2.domain.errors import ServerUnreachable
from au2.stores.logs.record import Record, format_record
from tests.unit.client.api import Answer, Api
from tests.unit.client.passing_time import PassingTime

NOW = "2026-01-01T00:00:00.000000001Z"


def test_a_log_is_read_in_blocks(api: Api, transport: Transport) -> None:
    records = [Record(NOW, "stdout", False, b"\xff" * 5000)] * 100
    body = b"".join(format_record(record) for record in records)
    api.routes["GET /jobs/12/logs"] = Answer(body=body + b"2026 std", chunked=True)

    blocks = list(read_log(transport, 12, attempt=2, budget=PassingTime().budget()))

    assert [record for block in blocks for record in block] == records
    assert len(blocks) > 1
    assert api.requests[0].query == {"attempt": "2", "offset": "0"}


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
    offsets = [request.query["offset"] for request in api.requests]
    assert offsets == ["0", str(len(lines[0])), str(len(lines[0]))]


def test_a_log_that_is_cut_for_ever_is_not_taken_for_whole(api: Api, transport: Transport) -> None:
    api.routes["GET /jobs/12/logs"] = Answer(body=b"", cut=True)

    with pytest.raises(ServerUnreachable):
        list(read_log(transport, 12, attempt=1, budget=PassingTime().budget()))
