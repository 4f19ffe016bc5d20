"""Requests that are costly, and everybody else meanwhile."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
from argon2 import PasswordHasher

from au2.api.app import make_app
from au2.services.accounts import Accounts
from au2.services.passwords import Passwords
from tests.support.live import served
from tests.support.waiting import wait_until
from tests.support.world import OPERATOR, PASSWORD, World


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


def test_a_flood_of_logins_keeps_nobody_waiting(world: World) -> None:
    slow = SlowPasswords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    services = replace(world.services, accounts=Accounts(world.database, slow, clock=world.clock))
    bearer = world.bearer(OPERATOR)
    with (
        served(make_app(services, world.notices, world.logs)) as address,
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
