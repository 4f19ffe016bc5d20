from au2.execution.outcome import Interruption
from au2.execution.termination import DiskVerdict, ExecutionLimits, Signal, TerminationPolicy


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
    limits = ExecutionLimits(stop_grace_seconds=10, after_grace_seconds=5)
    packaged = TerminationPolicy.make(limits, deadline=100, is_packaged=True)
    image = TerminationPolicy.make(limits, deadline=100, is_packaged=False)
    assert [image.decide(now, stop=False) for now in (100, 101, 110)] == [
        Signal.STOP,
        None,
        Signal.KILL,
    ]
    assert [packaged.decide(now, stop=False) for now in (100, 101, 115.5, 118)] == [
        Signal.STOP,
        Signal.STOP,
        None,
        Signal.KILL,
    ]


def test_a_kill_is_requested_at_once_or_during_the_grace_time():
    policy = TerminationPolicy(deadline=100, grace_seconds=5)
    assert policy.decide(1, stop=True) is Signal.STOP
    assert policy.decide(2, stop=True, kill=True) is Signal.KILL
    assert policy.decide(3, stop=True, kill=True) is None
    assert policy.interruption is Interruption.STOP
    at_once = TerminationPolicy(deadline=100, grace_seconds=5, repeat=True)
    assert [at_once.decide(now, stop=True, kill=True) for now in (1, 2)] == [Signal.KILL, None]


def test_a_full_disk_kills_at_once_and_gives_the_message():
    policy = TerminationPolicy(deadline=100, grace_seconds=5)
    verdict = DiskVerdict("The disk is full.", at_once=True)
    assert policy.decide(1, stop=False, disk=verdict) is Signal.KILL
    assert (policy.interruption, policy.disk_text) == (Interruption.DISK_FULL, verdict.text)
