from au2.execution.outcome import Interruption
from au2.execution.termination import Signal, TerminationPolicy, packaged_grace_seconds


def test_nothing_happens_before_the_time_is_up():
    policy = TerminationPolicy(deadline=100, grace_seconds=5)
    assert policy.decide(99.9, stop=False) is None
    assert policy.interruption is None


def test_first_the_stop_signal_then_once_the_kill():
    policy = TerminationPolicy(deadline=100, grace_seconds=5)
    signals = [policy.decide(now, stop=False) for now in (100, 101, 104.9, 105, 106, 200)]
    assert signals == [Signal.STOP, None, None, Signal.KILL, None, None]
    assert policy.interruption is Interruption.TIME_OUT


def test_the_launcher_is_told_twice():
    policy = TerminationPolicy(deadline=100, grace_seconds=5, repeat=True)
    signals = [policy.decide(now, stop=False) for now in (100, 100.2, 101, 102, 105, 106)]
    assert signals == [Signal.STOP, None, Signal.STOP, None, Signal.KILL, None]
    hurried = TerminationPolicy(deadline=100, grace_seconds=0, repeat=True)
    assert [hurried.decide(now, stop=False) for now in (100, 101, 102)] == [
        Signal.STOP,
        Signal.KILL,
        None,
    ]


def test_what_came_first_is_the_reason():
    policy = TerminationPolicy(deadline=100, grace_seconds=5)
    assert policy.decide(50, stop=True) is Signal.STOP
    assert policy.decide(101, stop=True) is Signal.KILL
    assert policy.interruption is Interruption.STOP


def test_the_launcher_has_its_own_grace_times_and_a_margin():
    assert packaged_grace_seconds(10, 5) > 15
