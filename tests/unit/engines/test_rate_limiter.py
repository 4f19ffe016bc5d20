import pytest

from au2.engines.rate_limiter import CpuShare, Interval, RateLimiter


class Time:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def test_a_burst_passes_at_once():
    time = Time()
    pace = RateLimiter(time.monotonic, time.sleep)
    for _ in range(20):
        pace.step()
    assert time.slept == 0


def test_a_flood_is_held_to_a_hundred_steps_a_second():
    time = Time()
    pace = RateLimiter(time.monotonic, time.sleep)
    steps = 0
    while time.now < 110:
        pace.step()
        time.now += 0.0001
        steps += 1
    assert 900 < steps < 1200


def test_steps_that_are_far_apart_never_wait():
    time = Time()
    pace = RateLimiter(time.monotonic, time.sleep)
    for _ in range(1000):
        pace.step()
        time.now += 0.25
    assert time.slept == 0


def test_an_interval_is_due_at_once_and_then_rarely():
    time = Time()
    interval = Interval(1.0, time.monotonic)
    due = 0
    for _ in range(100):
        due += interval.is_due()
        time.now += 0.1
    assert due == 10


class Work:
    """A thread that works, and the time that passes; sleeping costs no processor."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 100.0

    def do(self, seconds: float) -> None:
        self.now += seconds
        self.used += seconds

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("piece", [0.001, 0.01, 0.02])
def test_a_thread_is_kept_to_its_share(share: float, piece: float) -> None:
    work = Work()
    pace = CpuShare(share, lambda: work.now, lambda: work.used, work.sleep)
    pace.step()
    while work.now < 60:
        work.do(piece)
        pace.step()
    assert work.used - 100 <= share * work.now + 0.3


def test_a_burst_of_work_passes_at_once() -> None:
    work = Work()
    pace = CpuShare(0.1, lambda: work.now, lambda: work.used, work.sleep)
    pace.step()
    for _ in range(20):
        work.do(0.01)
        pace.step()
    assert work.now == pytest.approx(0.2)
    work.now += 60
    pace.step()
    for _ in range(20):
        work.do(0.01)
        pace.step()
    assert work.now == pytest.approx(60.4)
