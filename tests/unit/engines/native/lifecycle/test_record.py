"""Process identities and signal names."""

import os
import signal
import subprocess

from au2.engines.native.lifecycle.record import (
    ProcessIdentity,
    identify,
    is_alive,
    send_signal,
)


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
