from au2.dispatch.pace import Interval, Pace


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
    pace = Pace(time.monotonic, time.sleep)
    for _ in range(20):
        pace.step()
    assert time.slept == 0


def test_a_flood_is_held_to_a_hundred_steps_a_second():
    time = Time()
    pace = Pace(time.monotonic, time.sleep)
    steps = 0
    while time.now < 110:
        pace.step()
        time.now += 0.0001
        steps += 1
    assert 900 < steps < 1200


def test_steps_that_are_far_apart_never_wait():
    time = Time()
    pace = Pace(time.monotonic, time.sleep)
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
