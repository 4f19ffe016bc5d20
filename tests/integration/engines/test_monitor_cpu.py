"""What a container prints is done with its own CPU."""

import os
import time
from pathlib import Path

from au2.engines.native.lifecycle.record import identify, is_alive
from tests.support.machine.engine import NativeHarness
from tests.support.waiting import wait_until

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What a process has used (proc(5), ``/proc/pid/stat``)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def groups_of(pid: int) -> dict[str, str]:
    """A process's control group by controller (``""``: version 2)."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return {
        name: path
        for _, names, path in (line.split(":", 2) for line in lines)
        for name in names.split(",")
    }


def monitor_of(native_harness: NativeHarness, container: str) -> int:
    return int((native_harness.run_dir / "containers" / container / "monitor.pid").read_text())


def test_printing_in_a_loop_costs_the_container_no_more_than_its_cpu(
    native_harness: NativeHarness,
) -> None:
    container = native_harness.start("while :; do echo a line of some length; done", cpu=0.1)
    monitor = monitor_of(native_harness, container)
    wait_until(lambda: native_harness.engine.observe(container).log_bytes > 100_000)
    begin, used = time.monotonic(), cpu_seconds(monitor)
    before = native_harness.engine.observe(container).cpu_seconds or 0.0
    # The kernel holds them to their share over any time that is much longer than its period.
    wait_until(lambda: (native_harness.engine.observe(container).cpu_seconds or 0.0) > before + 0.4)
    elapsed = time.monotonic() - begin
    assert cpu_seconds(monitor) - used < 0.15 * elapsed + 0.05
    assert (
        native_harness.engine.observe(container).cpu_seconds or 0.0
    ) - before < 0.15 * elapsed + 0.1


def test_the_monitor_shares_cpu_and_not_memory(native_harness: NativeHarness) -> None:
    container = native_harness.start("echo begun; sleep 600")
    native_harness.wait_for_output(container, b"begun")
    groups = groups_of(monitor_of(native_harness, container))
    if "cpu" in groups:
        assert groups["cpu"].endswith(f"/{container}")
        assert not groups["memory"].endswith(f"/{container}")
    else:
        assert groups[""].endswith(f"/{container}_monitor")


def test_a_container_that_prints_is_removed_whole(native_harness: NativeHarness) -> None:
    container = native_harness.start("while :; do echo a line of some length; done", cpu=0.1)
    monitor = identify(monitor_of(native_harness, container))
    assert monitor is not None
    wait_until(lambda: native_harness.engine.observe(container).log_bytes > 10_000)
    native_harness.engine.remove(container)
    wait_until(lambda: not is_alive(monitor))
    assert [path for path in Path("/sys/fs/cgroup").rglob(f"{container}*") if path.is_dir()] == []
