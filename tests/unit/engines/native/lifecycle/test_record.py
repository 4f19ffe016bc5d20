"""Process identities and signal names."""

import os
import signal
import subprocess

import pytest

from au2.domain.errors import InvalidRequest
from au2.engines.native.lifecycle.record import (
    ProcessIdentity,
    identify,
    is_alive,
    parse_signal,
    send_signal,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SIGTERM", 15),
        ("term", 15),
        ("15", 15),
        ("SIGRTMIN+3", 37),
        ("RTMAX-1", 63),
        ("SIGKILL", 9),
    ],
)
def test_signals(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "-1", "SIG", "SIGX", "RTMIN+99", "9" * 20, "²"])
def test_no_signals(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_signal(text)


def test_a_process_is_more_than_its_number() -> None:
    process = subprocess.Popen(["sleep", "99"])
    found = identify(process.pid)
    assert found is not None
    assert is_alive(found)
    other = ProcessIdentity(found.pid, found.start_ticks + 1)
    assert not is_alive(other)
    assert not send_signal(other, signal.SIGKILL)
    assert send_signal(found, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(found)  # Dead, if not yet collected.
    assert not send_signal(found, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert identify(process.pid) is None
