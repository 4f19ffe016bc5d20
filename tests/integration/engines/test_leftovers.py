"""After a container is removed nothing of it is left."""

import subprocess
from pathlib import Path

import pytest

from au2.domain.errors import EngineFailure
from au2.domain.jobs.container_contract import Network
from au2.engines.native.engine import NativeEngine
from au2.engines.native.host.cgroup import find_hierarchies
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from tests.support.machine.engine import NativeHarness


def traces(native_harness: NativeHarness, container_id: str) -> list[str]:
    """Everything on the host that has to do with a container."""
    found = [str(path) for path in native_harness.run_dir.rglob(f"*{container_id}*")]
    found += [str(path) for path in native_harness.data_dir.glob(f"containers/{container_id}*")]
    found += [str(path) for path in Path("/sys/fs/cgroup").rglob(container_id)]
    found += [
        line
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if container_id in line
    ]
    addresses = native_harness.run_dir / "network" / "addresses"
    if addresses.exists():
        found += [str(path) for path in addresses.iterdir() if str(path.readlink()) == container_id]
    for command_line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if container_id.encode() in command_line.read_bytes().split(b"\0"):
                found.append(str(command_line))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def cards(native_harness: NativeHarness) -> list[str]:
    """Network cards on the host's side of containers."""
    instance = EnginePaths(native_harness.data_dir, native_harness.run_dir).instance
    ports = Path(f"/sys/class/net/au2{instance[:10]}/brif")
    return sorted(path.name for path in ports.iterdir())


DYING_RUNTIME = """\
#!/bin/sh
case "$*" in
*create*)
    mkdir -p {group}
    sleep 600 >/dev/null 2>&1 &
    echo $! >{group}/cgroup.procs
    exit 1 ;;
esac
exec runc "$@"
"""
"""It dies in the middle of creating, and leaves a process in the container's control group."""


def test_nothing_is_left_of_a_runtime_that_dies_while_it_creates(
    native_harness: NativeHarness, tmp_path: Path
) -> None:
    spec = native_harness.spec("sleep 99")
    groups = find_hierarchies()
    hierarchy = groups.controllers.get("pids") or groups.unified
    places = EnginePaths(native_harness.data_dir, native_harness.run_dir)
    group = f"{hierarchy}{places.control_group}/{spec.container_id}"
    runtime = tmp_path / "dying-runc"
    runtime.write_text(DYING_RUNTIME.format(group=group))
    runtime.chmod(0o755)
    options = NativeOptions(runtime_command=str(runtime))
    engine = NativeEngine(
        native_harness.blobs, native_harness.data_dir, native_harness.run_dir, options
    )
    engine.open()

    with pytest.raises(EngineFailure):
        engine.create(spec)
    engine.close()

    assert traces(native_harness, spec.container_id) == []


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("end", ["created", "running", "exited", "lost"])
def test_nothing_is_left(native_harness: NativeHarness, network: Network, end: str) -> None:
    before = cards(native_harness)
    spec = native_harness.spec(
        "mkdir -p /a/b; mkdir -m 0 /a/c; ln -s / /a/d; echo ready; sleep 99", network=network
    )
    native_harness.engine.create(spec)
    container_id = spec.container_id
    assert traces(native_harness, container_id)
    if end != "created":
        native_harness.engine.start(container_id)
        native_harness.wait_for_output(container_id, b"ready")
    if end == "exited":
        native_harness.engine.signal(container_id, "SIGKILL")
        native_harness.finish(container_id)
    if end == "lost":
        folder = native_harness.run_dir / "containers" / container_id
        subprocess.run(["kill", "-KILL", (folder / "monitor.pid").read_text()], check=True)
        native_harness.finish(container_id)
    native_harness.engine.remove(container_id)
    assert traces(native_harness, container_id) == []
    assert cards(native_harness) == before


def test_a_failed_creation_leaves_nothing(native_harness: NativeHarness) -> None:
    spec = native_harness.spec("", command=("/no/such/program",), network=Network.INTERNET)
    with pytest.raises(EngineFailure):
        native_harness.engine.create(spec)
    assert traces(native_harness, spec.container_id) == []


def test_half_a_container_is_removed(native_harness: NativeHarness) -> None:
    """Its creator was killed before it wrote the record."""
    spec = native_harness.spec("sleep 99", network=Network.INTERNET)
    native_harness.engine.create(spec)
    (native_harness.run_dir / "containers" / spec.container_id / "record.json").unlink()
    assert native_harness.engine.observe(spec.container_id).state == "lost"
    native_harness.engine.remove(spec.container_id)
    assert traces(native_harness, spec.container_id) == []


def test_what_a_restart_of_the_host_leaves_is_removed(native_harness: NativeHarness) -> None:
    spec = native_harness.spec("true")
    folder = native_harness.data_dir / "containers" / spec.container_id
    (folder / "upper" / "x").mkdir(parents=True)
    (folder / "log").write_bytes(b"2026-01-01T00:00:00Z stdout F before\n")
    seen = native_harness.engine.observe(spec.container_id, timeout_seconds=60.0)
    assert (seen.state, seen.exit_code) == ("lost", None)
    raw = native_harness.engine.read_log(spec.container_id, offset=0, limit_bytes=100)
    assert len(raw) == seen.log_bytes
    assert spec.container_id in list(native_harness.engine.list_containers())
    native_harness.engine.remove(spec.container_id)
    assert traces(native_harness, spec.container_id) == []
