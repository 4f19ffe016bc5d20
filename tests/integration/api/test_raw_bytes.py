"""Any bytes over a socket: an answer or a closed connection, and never a trace in the log."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from au2.server.http.limits import HttpLimits
from tests.support.network.raw_http import connected, read_all, read_head, status_of
from tests.support.servers.backend import OPERATOR, Backend
from tests.support.servers.live import served
from tests.support.servers.traces import traces

CASES = 240
# Bounds that are met soon, for all that never comes to its end.
LIMITS = HttpLimits(head_seconds=0.2, idle_seconds=1, body_seconds=0.2, anonymous_body_seconds=0.5)
ODD = [
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\xff", b"\xc3\x28", b" ", b"\t", b"%", b"%00",
    b"%ff", b"%c0%ae", b"/../", b"//", b"?", b"#", b";", b":", b"-1", b"0x10", b"1e999",
    b"9223372036854775808", b"9" * 30, b"9" * 5000, b"\xb2", b"nan", b"{}", b"[" * 200,
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99\r\n",
    b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    b"Range: bytes=5-1\r\n", b"Range: bytes=-99999999999999999999\r\n",
    b"Content-Range: bytes 0-18446744073709551616/1\r\n", b"Host: \xff\r\n", b"A" * 3000,
]  # fmt: skip


def requests_of(backend: Backend) -> list[bytes]:
    """Requests that are right, with a login and without."""
    context = backend.organization()
    process = backend.process(context)
    version = backend.version(process)
    secret = backend.token(OPERATOR)
    where = f"organization={context.organization_id}&project={context.project_id}"
    login = b'{"email": "a@example.com", "password": "x"}'
    base = f"/v2/org_{context.organization_id}/base"
    digest = "sha256:" + "0" * 64
    lines = [
        ("GET", "/api/v1/health", b""),
        ("POST", "/api/v1/login", login),
        ("GET", f"/api/v1/jobs?{where}&before=10&limit=10&search=a", b""),
        ("GET", "/api/v1/jobs/1?wait_seconds=0.1", b""),
        ("GET", "/api/v1/jobs/1/logs/follow?attempt=1&offset_bytes=10", b""),
        ("POST", f"/api/v1/jobs?{where}", f'{{"process": "{process}", "version": 1}}'.encode()),
        ("GET", f"/api/v1/processes/{process}/versions/{version}", b""),
        ("GET", f"/api/v1/processes/{process}/versions/{version}/diff/1", b""),
        ("POST", f"/api/v1/uploads?{where}", b'{"name": "a", "runtime": "r", "files": []}'),
        ("GET", "/v2/token?service=au2", b""),
        ("GET", f"{base}/tags/list?n=10&last=a", b""),
        ("GET", f"{base}/blobs/{digest}", b""),
        ("PATCH", f"{base}/blobs/uploads/{digest}", b"abc"),
        ("PUT", f"{base}/manifests/latest", b"{}"),
    ]
    found = []
    for method, target, body in lines:
        for extra in ("", f"Authorization: Bearer {secret}\r\n", "Authorization: Basic YTpi\r\n"):
            head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{extra}"
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            found.append((head + kind).encode() + body)
    return found


def spoil(chance: random.Random, request: bytes) -> bytes:
    """A request with some bytes added, removed or put in the place of others."""
    spoiled = bytearray(request)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(spoiled) + 1)
        end = at + chance.choice((0, 0, 1, 10, 100))
        spoiled[at:end] = chance.choice((*ODD, chance.randbytes(chance.randint(1, 50)), b""))
    return bytes(spoiled[: chance.choice((len(spoiled), len(spoiled), chance.randrange(1, 900)))])


def answer_to(address: str, request: bytes) -> bytes:
    """All that is answered; of a stream of events, which may have no end, the beginning."""
    with connected(address) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        try:
            head = read_head(connection)
        except ConnectionResetError:
            return b""
        return head if b"text/event-stream" in head else head + read_all(connection)


@pytest.mark.parametrize("seed", range(3))
def test_no_bytes_leave_a_trace(backend: Backend, seed: int) -> None:
    chance = random.Random(seed)
    right = requests_of(backend)
    cases = [spoil(chance, chance.choice(right)) for _ in range(CASES)]
    with (
        traces() as found,
        served(backend.app(), limits=LIMITS) as address,
        ThreadPoolExecutor(40) as pool,
    ):
        answers = pool.map(lambda case: answer_to(address, case), cases)
        statuses = {status_of(answer) for answer in answers}
        assert httpx.get(f"{address}/api/v1/health", timeout=60).status_code == 200
    assert not [record.getMessage() + str(record.exc_info) for record in found]
    assert 500 not in statuses
