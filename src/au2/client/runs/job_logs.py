"""A job's log as it is now, streamed record by record."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from au2.client.http.transport import Transport
from au2.domain.errors import ServerUnreachable, UnexpectedAnswer
from au2.domain.retry import RetryBudget
from au2.stores.logs.record import Record, parse_records

_BLOCK_BYTES: Final = 256 << 10
_MOST_RECORD_BYTES: Final = 16 << 20
"""Servers write records of some kilobytes; longer ones may be left of a damaged disk."""


class _Block(NamedTuple):
    """Some records of a log, whole ones."""

    records: list[Record]
    size_bytes: int


def read_log(
    transport: Transport, job_id: int, *, attempt: int, budget: RetryBudget
) -> Iterator[list[Record]]:
    """Yield the records written so far, block by block; a half-written last one is left out.

    After a cut connection it goes on where it was.

    Raises:
        ServerUnreachable: the connection could not be had again.
    """
    offset = 0
    while True:
        try:
            for block in _read_from(transport, job_id, attempt=attempt, offset=offset):
                budget.note_progress()
                offset += block.size_bytes
                yield block.records
        except ServerUnreachable as error:
            budget.wait(error)
        else:
            return


def _read_from(transport: Transport, job_id: int, *, attempt: int, offset: int) -> Iterator[_Block]:
    with transport.stream(
        f"/jobs/{job_id}/logs",
        query={"attempt": attempt, "offset": offset},
        accept="application/octet-stream",
    ) as response:
        rest = b""
        # read1: what has arrived is shown at once, however slow the rest comes.
        while block := response.read1(_BLOCK_BYTES):
            data = rest + block
            records, consumed_bytes = parse_records(data)
            rest = data[consumed_bytes:]
            if len(rest) > _MOST_RECORD_BYTES:
                raise UnexpectedAnswer("The server's log has a record that is too long.")
            if records:
                yield _Block(records, consumed_bytes)
