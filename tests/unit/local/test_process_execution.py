"""Runs as plain processes, without a command line around them."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from au2.domain.errors import InvalidPackage, Unsupported
from au2.domain.jobs.job import JobState, Reason
from au2.execution.job_results import Status
from au2.execution.termination import ExecutionLimits, JobControl
from au2.local.process_runner import ProcessRunner
from au2.local.runner import LocalResult, run_package
from tests.support.waiting import wait_until
from tests.unit.local.conftest import MakePackage, a_request

OWN = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "PRIVATE": "of this shell"}


class Runner:
    """Runs packages and gathers what is told and shown."""

    def __init__(self, make_package: MakePackage) -> None:
        self._make_package = make_package
        self.told: list[str] = []
        self.shown: list[tuple[str, bytes]] = []
        self.statuses: list[Status] = []
        self.control = JobControl()

    def __call__(
        self,
        files: Mapping[str, str | bytes],
        *,
        own: Mapping[str, str] = OWN,
        limits: ExecutionLimits | None = None,
        **request: Any,
    ) -> LocalResult:
        package = self._make_package(files)
        return run_package(
            package.directory,
            a_request(**request),
            ProcessRunner(own, self.told.append),
            own_environment=own,
            limits=limits or ExecutionLimits(stop_grace_seconds=1, after_grace_seconds=1),
            control=self.control,
            show=lambda stream, data: self.shown.append((stream, data)),
            on_status=self.statuses.append,
        )

    def printed(self, stream: str) -> bytes:
        return b"".join(data for name, data in self.shown if name == stream)

    def wait_for(self, wanted: bytes) -> None:
        while wanted not in self.printed("stdout"):
            time.sleep(0.005)


@pytest.fixture
def run(make_package: MakePackage) -> Runner:
    return Runner(make_package)


def test_success(run: Runner) -> None:
    result = run({"main.sh": 'echo \'{"a": 1}\' > "$AU_OUTPUT_FILE"; echo out; echo err >&2'})

    assert result.succeeded
    assert result.output == {"a": 1}
    assert (run.printed("stdout"), run.printed("stderr")) == (b"out\n", b"err\n")
    assert [phase.name for phase in result.phases][:2] == ["prepare", "run"]


def test_the_packages_folder_is_never_touched(run: Runner, tmp_path: Path) -> None:
    result = run({"main.sh": "echo more >> data.txt; rm main.sh; pwd", "data.txt": "data\n"})

    assert result.succeeded
    folder = tmp_path / "package"
    assert {path.name for path in folder.iterdir()} == {"aunsight.yml", "main.sh", "data.txt"}
    assert (folder / "data.txt").read_text() == "data\n"
    copy = Path(run.printed("stdout").decode().strip())
    assert not copy.exists()


def test_only_what_would_be_uploaded_is_there(run: Runner) -> None:
    files = {
        "main.sh": "find . -type f | sort; cat aunsight.yml",
        ".auignore": "*.csv\n",
        "large.csv": "x",
        "sub/kept.txt": "x",
        "aunsight.yml": "name: demo\nruntime: r\nprocesses:\n"
        "  5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11: 5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e12\n",
    }

    run(files)

    printed = run.printed("stdout").decode()
    assert "./sub/kept.txt" in printed
    assert "large.csv" not in printed
    assert "5f0c9f0e" not in printed


def test_modes_and_empty_folders_are_as_in_an_image(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    for path, mode in (("out", 0o755), ("logs/deep", 0o700), ("closed", 0o555)):
        (folder / path).mkdir(parents=True)
        (folder / path).chmod(mode)
    (folder / "closed/key").touch()
    (folder / "closed/key").chmod(0o600)

    run({"main.sh": "stat -c '%a %n' out logs/deep closed closed/key; touch out/x"})

    lines = run.printed("stdout").decode().splitlines()
    assert lines == ["755 out", "700 logs/deep", "555 closed", "600 closed/key"]


def test_the_shells_own_variables_are_not_passed_on(run: Runner) -> None:
    run({"main.sh": "env"})

    printed = run.printed("stdout").decode()
    assert "PRIVATE" not in printed
    assert "HOME=/nowhere" in printed
    assert "AU_LAUNCHER" not in printed
    assert "PYTHONUNBUFFERED=1" in printed


def test_time_out(run: Runner) -> None:
    files = {"main.sh": "sleep 60", "after.sh": 'echo "after $AU_EXIT_CODE"'}

    result = run(files, timeout_seconds=0.3)

    assert result.outcome.reason is Reason.TIMED_OUT
    assert run.printed("stdout") == b"after 143\n"


def test_time_out_of_a_hook_that_hangs(run: Runner) -> None:
    result = run({"main.sh": "true", "before.sh": "sleep 60"}, timeout_seconds=0.3)

    assert result.outcome.reason is Reason.TIMED_OUT


def test_stop(run: Runner) -> None:
    def stop() -> None:
        run.wait_for(b"ready")
        run.control.stop.set()

    Thread(target=stop).start()
    result = run({"main.sh": "echo ready; sleep 60", "after.sh": "echo after"})

    assert result.outcome.state is JobState.STOPPED
    assert run.printed("stdout") == b"ready\nafter\n"


def test_kill_takes_everything_at_once(run: Runner) -> None:
    def kill() -> None:
        run.wait_for(b"ready")
        run.control.stop.set()
        run.control.kill.set()

    Thread(target=kill).start()
    files = {
        "main.sh": 'trap "" TERM; echo ready; while :; do sleep 0.01; done',
        "after.sh": "echo after",
    }
    result = run(files, limits=ExecutionLimits())

    assert result.outcome.state is JobState.STOPPED
    assert result.outcome.exit_code == 137
    assert run.printed("stdout") == b"ready\n"


def test_what_the_code_leaves_running_ends_with_it(run: Runner) -> None:
    result = run({"main.sh": "sleep 60 &\necho $!"})

    assert result.succeeded
    pid = int(run.printed("stdout"))
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or b"Z" in _state(pid))


def _state(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2]
    except OSError:
        return b"Z"


def test_a_process_that_left_the_group_does_not_hold_up_the_end(run: Runner) -> None:
    result = run({"main.sh": "setsid sleep 60 &\necho $!"})

    assert result.succeeded
    os.kill(int(run.printed("stdout")), signal.SIGKILL)


def test_output_that_was_closed_early_is_no_end(run: Runner) -> None:
    result = run({"main.sh": "exec >&- 2>&-; sleep 0.3; exit 5"})

    assert result.outcome.exit_code == 5


def test_secrets_are_covered(run: Runner) -> None:
    code = (
        'printf "tok"; sleep 0.05; echo "en-$TOKEN"; printf "%s" "$TOKEN" >&2\n'
        'printf \'{"t": "%s"}\' "$TOKEN" > "$AU_OUTPUT_FILE"\n'
        'printf \'{"text": "with %s"}\' "$TOKEN" > "$AU_STATUS_FILE"\n'
    )
    files = {"main.sh": code, "env.yml": "TOKEN: {secret: t}\n"}

    result = run(files, own={**OWN, "TOKEN": "very-secret-value"})

    assert run.printed("stdout") == b"token-***\n"
    assert run.printed("stderr") == b"***"
    assert result.output == {"t": "***"}
    assert result.status == Status("with ***")
    assert "very-secret-value" not in str(result.to_document())


def test_status_is_told_once(run: Runner) -> None:
    result = run({"main.sh": 'echo \'{"text": "half", "progress": 0.5}\' > "$AU_STATUS_FILE"'})

    assert run.statuses == [Status("half", 0.5)]
    assert result.to_document()["progress"] == 0.5


@pytest.mark.parametrize("obstacle", ["mkdir", "mkfifo", "ln -s /etc/passwd"])
def test_output_that_is_no_file(run: Runner, obstacle: str) -> None:
    result = run({"main.sh": f'{obstacle} "$AU_OUTPUT_FILE"'})

    assert result.outcome.reason is Reason.INVALID_OUTPUT


def test_a_missing_interpreter_is_told(run: Runner) -> None:
    with pytest.raises(Unsupported) as caught:
        run({"main.js": ""}, own={"PATH": "/usr/sbin-of-nobody"})

    assert "Node.js" in caught.value.message
    assert "--container" in (caught.value.hint or "")


def test_mistakes_are_found_first(run: Runner) -> None:
    with pytest.raises(InvalidPackage) as caught:
        run({"main.sh": "", "env.yml": "A: [1]\nAU_B: x\n"})

    assert len(caught.value.details) == 2
    assert run.told == []


def test_what_differs_is_told(run: Runner) -> None:
    manifest = "name: demo\nruntime: Python3.11\nresources:\n  network: none\n"
    files = {"aunsight.yml": manifest, "main.py": "print(1)", "requirements.txt": "six\n"}
    files["packages.txt"] = "jq\n"

    run(files, own={**OWN, "PATH": f"{Path(sys.executable).parent}:{OWN['PATH']}"})

    told = " ".join(run.told)
    assert "Python 3." in told
    assert "'Python3.11'" in told
    assert "network is open" in told
    assert "requirements.txt is not installed" in told
    assert "packages.txt is not installed" in told


def test_a_script_with_windows_line_ends_runs(run: Runner) -> None:
    result = run({"main.sh": "echo main\r\n", "before.sh": "echo before\r\n"})

    assert result.succeeded
    assert run.printed("stdout") == b"before\nmain\n"
