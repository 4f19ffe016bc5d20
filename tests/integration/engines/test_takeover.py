"""One process creates, another starts, both are killed, a third sees the end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.engines.protocol import ContainerState
from tests.support.machine.engine import NativeHarness

DRIVER = """
import json, os, signal, sys
from pathlib import Path
from au2.stores.content.filesystem import FileContentStore
from au2.domain.jobs.job import Resources
from au2.domain.jobs.container_contract import Network
from au2.engines.protocol import ContainerSpec
from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions

data_dir, run_dir, image, container_id, step, script = sys.argv[1:]
blobs = FileContentStore(Path(data_dir) / "blobs")
engine = NativeEngine(blobs, Path(data_dir), Path(run_dir), NativeOptions())
engine.open()
if step == "create":
    resources = Resources(1.0, 64 << 20, 64, 60.0, Network.INTERNET)
    command = ("/bin/sh", "-c", script)
    engine.create(ContainerSpec(container_id, image, {}, {}, resources, command=command))
else:
    engine.start(container_id)
os.kill(os.getpid(), signal.SIGKILL)
"""


def drive(native_harness: NativeHarness, container_id: str, step: str, script: str = "") -> None:
    places = (
        str(native_harness.data_dir),
        str(native_harness.run_dir),
        native_harness.image_digest,
    )
    command = [sys.executable, "-c", DRIVER, *places, container_id, step, script]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_the_end_is_seen_by_a_third_process(native_harness: NativeHarness) -> None:
    container_id = native_harness.spec("").container_id
    script = "echo out; echo err >&2; sleep 0.3; echo '{}' > /run/au2/output.json; exit 4"
    drive(native_harness, container_id, "create", script)
    assert native_harness.engine.observe(container_id).state is ContainerState.CREATED
    drive(native_harness, container_id, "start")
    result = native_harness.finish(container_id)
    assert result.observation.exit_code == 4
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")
    assert native_harness.engine.read_file(container_id, "output.json", limit_bytes=9) == b"{}\n"


def test_job_files_changed_meanwhile_are_news(native_harness: NativeHarness) -> None:
    container_id = native_harness.start("echo x > /run/au2/status.json; sleep 99")
    while native_harness.engine.read_file(container_id, "status.json", limit_bytes=9) != b"x\n":
        time.sleep(0.01)
    other = NativeEngine(
        native_harness.blobs, native_harness.data_dir, native_harness.run_dir, NativeOptions()
    )
    try:
        # Would wait for ever, were it not told.
        assert other.observe(container_id, timeout_seconds=1e6).state is ContainerState.RUNNING
    finally:
        other.close()


def test_a_lost_monitor_is_told_and_the_container_is_ended(native_harness: NativeHarness) -> None:
    container_id = native_harness.start("echo ready; sleep 99")
    native_harness.wait_for_output(container_id, b"ready")
    record = json.loads(
        (native_harness.run_dir / "containers" / container_id / "record.json").read_text()
    )
    subprocess.run(["kill", "-KILL", str(record["monitor"]["pid"])], check=True)
    result = native_harness.finish(container_id)
    assert result.observation.state is ContainerState.LOST
    assert result.observation.exit_code is None
    assert result.observation.message
    assert result.stdout == b"ready\n"
    while is_running(record["init"]["pid"], container_id):
        time.sleep(0.01)


def test_the_exit_code_outlives_the_monitor(native_harness: NativeHarness) -> None:
    container_id = native_harness.start("exit 9")
    assert native_harness.finish(container_id).observation.exit_code == 9
    assert native_harness.finish(container_id).observation.exit_code == 9


def test_an_interrupted_creation_is_removed_by_another(native_harness: NativeHarness) -> None:
    container_id = native_harness.spec("").container_id
    (native_harness.data_dir / "containers" / container_id).mkdir()
    assert native_harness.engine.observe(container_id).state is ContainerState.LOST
    native_harness.engine.remove(container_id)
    drive(native_harness, container_id, "create", "echo again")
    native_harness.engine.start(container_id)
    assert native_harness.finish(container_id).stdout == b"again\n"


def is_running(pid: int, container_id: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" and container_id in Path(f"/proc/{pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
