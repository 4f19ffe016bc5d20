from au2.engines.interrupter import Interrupter, Sign, packaged_grace_seconds
from au2.engines.outcome import Interruption


def test_nothing_happens_before_the_time_is_up():
    interrupter = Interrupter(deadline=100, grace_seconds=5)
    assert interrupter.decide(99.9, stop=False) is None
    assert interrupter.interruption is None


def test_first_the_stop_signal_then_once_the_kill():
    interrupter = Interrupter(deadline=100, grace_seconds=5)
    signs = [interrupter.decide(now, stop=False) for now in (100, 101, 104.9, 105, 106, 200)]
    assert signs == [Sign.STOP, None, None, Sign.KILL, None, None]
    assert interrupter.interruption is Interruption.TIME_OUT


def test_the_launcher_is_told_twice():
    interrupter = Interrupter(deadline=100, grace_seconds=5, repeat=True)
    signs = [interrupter.decide(now, stop=False) for now in (100, 100.2, 101, 102, 105, 106)]
    assert signs == [Sign.STOP, None, Sign.STOP, None, Sign.KILL, None]
    hurried = Interrupter(deadline=100, grace_seconds=0, repeat=True)
    assert [hurried.decide(now, stop=False) for now in (100, 101, 102)] == [
        Sign.STOP,
        Sign.KILL,
        None,
    ]


def test_what_came_first_is_the_reason():
    interrupter = Interrupter(deadline=100, grace_seconds=5)
    assert interrupter.decide(50, stop=True) is Sign.STOP
    assert interrupter.decide(101, stop=True) is Sign.KILL
    assert interrupter.interruption is Interruption.STOP


def test_the_launcher_has_its_own_grace_times_and_a_margin():
    assert packaged_grace_seconds(10, 5) > 15
