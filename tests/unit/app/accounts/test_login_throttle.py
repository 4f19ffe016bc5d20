"""The brake on those who guess passwords."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from au2.app.accounts.login_throttle import LoginThrottle, ThrottleOptions
from au2.domain.errors import TooManyAttempts
from tests.support.servers.backend import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> LoginThrottle:
    return LoginThrottle(clock)


def attempt(
    throttle: LoginThrottle, account: str, address: str = "10.0.0.1", *, right: bool = False
) -> bool:
    """Whether a password was looked at."""
    try:
        with throttle.begin(account, address) as found:
            if right:
                found.succeed()
    except TooManyAttempts as error:
        return (error.retry_after_seconds or 0) < 1
    return True


def test_one_account_is_braked_longer_and_longer(throttle: LoginThrottle, clock: Clock) -> None:
    assert [attempt(throttle, "a") for _ in range(7)] == [True] * 5 + [False] * 2
    for seconds in (1, 2, 4, 8):
        clock.move(seconds=seconds - 0.5)
        assert not attempt(throttle, "a")
        clock.move(seconds=0.5)
        assert attempt(throttle, "a")


def test_many_at_once_are_no_way_around(throttle: LoginThrottle) -> None:
    together = Barrier(50)

    def guess(_: int) -> bool:
        together.wait()
        try:
            found = throttle.begin("a", "10.0.0.1")
        except TooManyAttempts:
            found = None
        # Nobody has an answer before all have asked.
        together.wait()
        if found is not None:
            with found:
                pass
        return found is not None

    with ThreadPoolExecutor(50) as pool:
        looked_at = sum(pool.map(guess, range(50)))
    assert looked_at == ThrottleOptions().unchecked
    assert not attempt(throttle, "a", right=True)


def test_the_owner_may_log_in_many_times_at_once(throttle: LoginThrottle) -> None:
    begun = [throttle.begin("a", "10.0.0.1") for _ in range(8)]
    for found in begun:
        with found:
            found.succeed()
    assert attempt(throttle, "a", right=True)


def test_one_client_is_braked_over_all_accounts(throttle: LoginThrottle, clock: Clock) -> None:
    looked_at = [attempt(throttle, f"user{number}") for number in range(100)]
    assert looked_at == [True] * 30 + [False] * 70
    # A right password of one's own does not make up for it.
    assert not attempt(throttle, "own", right=True)
    # Others are let in, and it itself after a short while.
    assert attempt(throttle, "user99", "10.0.0.2")
    clock.move(seconds=10)
    assert attempt(throttle, "own", right=True)
    assert attempt(throttle, "user98")
    assert not attempt(throttle, "user97")


def test_right_passwords_use_nothing_up(throttle: LoginThrottle) -> None:
    assert all(attempt(throttle, f"user{number}", right=True) for number in range(1000))


def test_a_network_of_one_customer_is_one_client(throttle: LoginThrottle) -> None:
    looked_at = [attempt(throttle, "a", f"2001:db8::{number:x}") for number in range(1, 10)]
    assert looked_at == [True] * 5 + [False] * 4
    assert attempt(throttle, "a", "2001:db8:0:1::1")


def test_what_is_remembered_is_bounded(clock: Clock) -> None:
    throttle = LoginThrottle(clock, ThrottleOptions(most_keys=100, client_failures=1000))
    for number in range(1000):
        clock.move(seconds=0.001)
        attempt(throttle, f"user{number}", f"10.0.{number // 256}.{number % 256}")
    assert len(throttle._failures) <= 100
    assert len(throttle._allowances) <= 100
    assert [attempt(throttle, "a") for _ in range(6)] == [True] * 5 + [False]
