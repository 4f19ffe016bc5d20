"""A job's log as it is now, streamed record by record."""

from collections.abc import Iterator
from typing import Final

from au2.client.transport import Transport
from au2.logs.record import Record, parse_records

_BLOCK_BYTES: Final = 256 << 10


def read_log(
    transport: Transport, job_id: int, *, attempt: int | None = None
) -> Iterator[list[Record]]:
    """Yield the records written so far, block by block; a half-written last one is left out."""
    with transport.stream(
        f"/jobs/{job_id}/logs", query={"attempt": attempt}, accept="application/octet-stream"
    ) as response:
        rest = b""
        # read1: what has arrived is shown at once, however slow the rest comes.
        while block := response.read1(_BLOCK_BYTES):
            data = rest + block
            records, consumed_bytes = parse_records(data)
            rest = data[consumed_bytes:]
            if records:
                yield records
