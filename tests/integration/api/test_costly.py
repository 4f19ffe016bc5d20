"""Requests that are costly, and everybody else meanwhile."""

import json
import select
import threading
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi.exceptions import RequestValidationError

from au2.app.accounts.accounts import Accounts
from au2.app.accounts.passwords import Passwords
from au2.domain.errors import TooLarge
from au2.http.app import make_app
from au2.http.request_body import parse_model
from au2.http.v1.package_uploads import parse_creation
from au2.wire.documents import format_document
from au2.wire.process import ProcessCreation
from tests.support.network.raw_http import PATIENCE_SECONDS, connected, read_all, status_of
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend, creation
from tests.support.servers.live import served
from tests.support.waiting import wait_until


class SlowPasswords(Passwords):
    """Checks a password when it is told to."""

    def __init__(self, hasher: Any) -> None:
        super().__init__(hasher)
        self.go = threading.Event()
        self.asked = 0

    def verify(self, password_hash: str | None, password: str) -> bool:
        self.asked += 1
        self.go.wait()
        return super().verify(password_hash, password)


def test_a_flood_of_logins_keeps_nobody_waiting(backend: Backend) -> None:
    slow = SlowPasswords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    services = replace(
        backend.services, accounts=Accounts(backend.database, slow, clock=backend.clock)
    )
    bearer = backend.bearer(OPERATOR)
    with (
        served(make_app(services, backend.notices, backend.logs)) as address,
        ThreadPoolExecutor(60) as pool,
    ):
        wrong = {"email": "a@example.com", "password": "wrong"}

        def guess(number: int) -> httpx.Response:
            if number % 2:
                return httpx.get(f"{address}/v2/token", auth=("b@example.com", "x"), timeout=60)
            return httpx.post(f"{address}/api/v1/login", json=wrong, timeout=60)

        try:
            answers = [pool.submit(guess, number) for number in range(60)]
            # Those that do not get a turn are refused at once, though no password is checked yet.
            wait_until(lambda: sum(answer.done() for answer in answers) == 60 - 16)
            assert slow.asked <= 2
            # Others' requests need a thread.
            found = httpx.get(f"{address}/api/v1/account", headers=bearer, timeout=60)
            assert found.status_code == 200
        finally:
            slow.go.set()
        refused = [answer.result() for answer in answers if answer.result().status_code == 429]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert set(Counter(answer.result().status_code for answer in answers)) == {401, 429}
        right = {"email": OPERATOR, "password": PASSWORD}
        assert httpx.post(f"{address}/api/v1/login", json=right, timeout=60).status_code == 201


HOSTILE_LISTS = [
    b'{"name": "a", "runtime": "r", "files": [' + b"{}," * 1_000_000 + b"{}]}",
    b'{"name": "a", "runtime": "r", "files": [' + b"1," * 5_000_000 + b"1]}",
    b'{"name": "a", "runtime": "r", "files": ' + b"[" * 5_000_000,
    b'{"a":' * 5_000_000,
]


@pytest.mark.parametrize("body", HOSTILE_LISTS)
def test_a_hostile_list_of_files_is_not_parsed(body: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(TooLarge):
        parse_creation(body, most_files=1000)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1 << 20


def test_of_many_mistakes_a_hundred_are_told() -> None:
    body = b'{"name": "a", "runtime": "r", "files": [' + b"1," * 900 + b"1]}"
    with pytest.raises(RequestValidationError) as caught:
        parse_creation(body, most_files=1000)
    assert len(caught.value.errors()) == 100
    with pytest.raises(RequestValidationError) as caught:
        parse_model(ProcessCreation, b'{"name": "a", "tags": [' + b"1," * 100_000 + b"1]}")
    [mistake] = caught.value.errors()
    assert mistake["msg"] == "There are 100001 violations"


def test_paths_with_braces_and_commas_are_fine() -> None:
    files = [creation({f"{{{{a}}}},[b],{number}": b"1"}, "r") for number in range(1000)]
    entries = [entry for made in files for entry in made.files]
    whole = creation({}, "r").replaced(files=entries)
    assert parse_creation(json.dumps(format_document(whole)).encode(), most_files=1000) == whole


def test_one_user_sends_few_long_bodies_at_a_time(backend: Backend) -> None:
    context = backend.organization(project=None)
    query = f"organization={context.organization_id}"
    head = (
        f"POST /api/v1/uploads?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {backend.token(OPERATOR)}\r\nContent-Length: 9000000\r\n\r\n"
    ).encode()
    with served(backend.app()) as address, ExitStack() as stack:
        connections = [stack.enter_context(connected(address)) for _ in range(3)]
        for connection in connections:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(head + b" " * 2_000_000)
        # Two are waited for; whichever of them was read last is refused.
        refused, _, _ = select.select(connections, [], [], PATIENCE_SECONDS)
        (answer,) = (read_all(connection) for connection in refused)
        assert status_of(answer) == 429
        assert b"retry-after: 10" in answer
        # Small ones are not counted.
        small = httpx.post(f"{address}/api/v1/uploads?{query}", headers=backend.bearer(OPERATOR))
        assert small.status_code == 422
