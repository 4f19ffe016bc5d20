"""The launcher, run on this machine in a temporary folder, by every shell that is here."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.images.launcher_layer import launcher_script

pytestmark = pytest.mark.slow

WORD = re.compile(r"\b[a-z]\w*\b")
SHELLS = [["dash"], ["bash", "--posix"], ["bash"], ["busybox", "sh"]]


class Stage:
    """A package folder, a job folder and a way to launch."""

    def __init__(self, root: Path, shell: list[str]) -> None:
        self.package, self.job, self.platform = root / "package", root / "job", root / "platform"
        for folder in (self.package, self.job, self.platform):
            folder.mkdir()
        self.shell = shell
        self.interpreter = "sh"
        self.stop_signal = "TERM"
        self.launcher = self.platform / "launch"
        self.launcher.write_bytes(launcher_script())
        self._started: list[subprocess.Popen[str]] = []

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.package / f"{name}.sh").write_text(text)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        hooks = {
            name: f"{name}.sh" if (self.package / f"{name}.sh").exists() else ""
            for name in ("before", "after")
        }
        (self.platform / "entry").write_text(
            f"au2_interpreter={self.interpreter} au2_entry=main.sh\n"
            f"au2_before='{hooks['before']}' au2_after='{hooks['after']}'\n"
            f"au2_stop_signal={self.stop_signal}\n"
            "au2_reset_signals='/usr/bin/env --default-signal=INT,QUIT'\n"
        )
        moved = {
            "AU_LAUNCHER_PLATFORM": str(self.platform),
            "AU_LAUNCHER_PACKAGE": str(self.package),
            "AU_LAUNCHER_JOB": str(self.job),
        }
        process = subprocess.Popen(
            [*self.shell, str(self.launcher)],
            env={"PATH": os.environ["PATH"], **moved, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Kill all processes of launchers that have not ended: their test has failed."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def run(self, stdin: str = "", **environment: str) -> tuple[int, str, str]:
        process = self.start(**environment)
        out, errors = process.communicate(stdin)
        return process.returncode, out, errors

    @property
    def record(self) -> dict[str, object]:
        record = json.loads((self.job / "launcher.json").read_text())
        assert record["version"] == 1
        return dict(record)


@pytest.fixture(params=SHELLS, ids=" ".join)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, request.param)
    yield stage
    stage.end()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.005)


def test_only_the_entry_point(stage: Stage) -> None:
    stage.write(main='pwd; cat; echo oops >&2; cat "$AU_ARGS_FILE"; exit 3')
    code, out, errors = stage.run("typed\n")
    assert (code, errors) == (3, "oops\n")
    assert out == f"{stage.package}\ntyped\n{{}}\n"
    assert stage.record == {
        "version": 1,
        "before_exit_code": None,
        "entry_exit_code": 3,
        "after_exit_code": None,
        "stopped": False,
        "phases": [{"name": "entry", "started_at": None, "ended_at": None}],
    }


def test_order_and_times(stage: Stage) -> None:
    stage.write(before="echo before", main="echo main", after='echo "after [$AU_EXIT_CODE]"')
    assert stage.run() == (0, "before\nmain\nafter [0]\n", "")
    phases = stage.record["phases"]
    assert isinstance(phases, list)
    assert [phase["name"] for phase in phases] == ["before", "entry", "after"]
    times = [phase[key] for phase in phases for key in ("started_at", "ended_at")]
    assert times == sorted(times)
    assert times[0].endswith("Z")


def test_before_fails(stage: Stage) -> None:
    stage.write(before="exit 7", main="echo main", after='echo "after [$AU_EXIT_CODE]"')
    assert stage.run() == (7, "after []\n", "")
    assert (stage.record["before_exit_code"], stage.record["entry_exit_code"]) == (7, None)


@pytest.mark.parametrize(("entry", "after", "expected"), [(5, 6, 5), (0, 6, 6), (5, 0, 5)])
def test_the_entry_points_code_wins(stage: Stage, entry: int, after: int, expected: int) -> None:
    stage.write(main=f"exit {entry}", after=f"exit {after}")
    assert stage.run()[0] == expected
    assert (stage.record["entry_exit_code"], stage.record["after_exit_code"]) == (entry, after)


def test_missing_interpreter_is_told(stage: Stage) -> None:
    stage.write(main="true")
    stage.interpreter = "no-such-interpreter"
    code, _, errors = stage.run()
    assert code == 127
    assert "no-such-interpreter" in errors


def test_killed_entry_point(stage: Stage) -> None:
    stage.write(main="kill -KILL $$", after='echo "after [$AU_EXIT_CODE]"')
    assert stage.run() == (137, "after [137]\n", "")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_forwarded(stage: Stage, sent: signal.Signals) -> None:
    stage.write(
        main='trap "echo stopping; exit 9" TERM; : > ready; while :; do sleep 0.01; done',
        after='echo "after [$AU_EXIT_CODE]"',
    )
    process = stage.start()
    wait_for(stage.package / "ready", process)
    process.send_signal(sent)
    out, errors = process.communicate()
    assert (process.returncode, out, errors) == (9, "stopping\nafter [9]\n", "")
    assert stage.record["stopped"] is True


def test_ignoring_the_stop_ends_with_a_kill(stage: Stage) -> None:
    stage.write(
        main='trap "" TERM; : > ready; while :; do sleep 0.01; done',
        after='echo "after [$AU_EXIT_CODE]"',
    )
    process = stage.start(AU_STOP_GRACE_SECONDS="0")
    wait_for(stage.package / "ready", process)
    process.terminate()
    out, errors = process.communicate()
    assert (process.returncode, out, errors) == (137, "after [137]\n", "")


def test_stop_during_before(stage: Stage) -> None:
    stage.write(
        before='trap "exit 0" TERM; : > ready; while :; do sleep 0.01; done',
        main="echo main",
        after='echo "after [$AU_EXIT_CODE]"',
    )
    process = stage.start()
    wait_for(stage.package / "ready", process)
    process.terminate()
    out, _ = process.communicate()
    assert (process.returncode, out) == (143, "after []\n")
    assert stage.record["entry_exit_code"] is None


def test_stop_during_after_limits_its_time(stage: Stage) -> None:
    stage.write(
        main="exit 0",
        after='trap "echo told; exit 5" TERM; : > ready; while :; do sleep 0.01; done',
    )
    process = stage.start(AU_AFTER_GRACE_SECONDS="0")
    wait_for(stage.package / "ready", process)
    process.terminate()
    out, _ = process.communicate()
    assert (process.returncode, out) == (5, "told\n")
    assert stage.record["entry_exit_code"] == 0


def test_after_that_ignores_the_end_of_its_time_is_killed(stage: Stage) -> None:
    stage.write(main="exit 0", after='trap "" TERM; : > ready; while :; do sleep 0.01; done')
    process = stage.start(AU_AFTER_GRACE_SECONDS="0")
    wait_for(stage.package / "ready", process)
    process.terminate()
    process.communicate()
    assert (process.returncode, stage.record["after_exit_code"]) == (137, 137)


def test_being_told_twice_changes_nothing(stage: Stage) -> None:
    """A stop that is sent again must not be taken for the end of the entry point."""
    stage.write(
        main='trap ": > told; while [ ! -e done ]; do sleep 0.01; done; exit 4" TERM\n'
        ": > ready; while :; do sleep 0.01; done",
        after='echo "after [$AU_EXIT_CODE]"',
    )
    process = stage.start()
    wait_for(stage.package / "ready", process)
    process.terminate()
    wait_for(stage.package / "told", process)
    process.terminate()
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    (stage.package / "done").touch()
    out, _ = process.communicate()
    assert (process.returncode, out) == (4, "after [4]\n")


def test_a_language_that_catches_another_signal_gets_that_first(stage: Stage) -> None:
    stage.stop_signal = "INT"
    stage.write(
        main='trap "echo interrupted" INT; trap "echo told; exit 3" TERM\n'
        ": > ready; while :; do sleep 0.01; done"
    )
    process = stage.start(AU_STOP_GRACE_SECONDS="2")
    wait_for(stage.package / "ready", process)
    process.terminate()
    out, _ = process.communicate()
    assert (process.returncode, out) == (3, "interrupted\ntold\n")


def test_the_entry_point_may_be_interrupted(stage: Stage) -> None:
    """A shell's background processes ignore SIGINT; the entry point must not."""
    stage.write(
        main=f'exec {sys.executable} -c "import signal; print(signal.getsignal(signal.SIGINT))"'
    )
    code, out, _ = stage.run()
    assert code == 0
    assert "default_int_handler" in out


def test_shell_variables_do_not_leak(stage: Stage) -> None:
    stage.write(main="env")
    _, out, _ = stage.run()
    assert "AU_LAUNCHER" not in out
    assert f"AU_OUTPUT_FILE={stage.job}/output.json" in out
    assert (stage.job / "scratch").is_dir()
    assert [line for line in out.splitlines() if line.startswith("au2_")] == []


def test_the_jobs_own_variables_stay(stage: Stage) -> None:
    """Whatever names the launcher uses for itself, a job may have them too."""
    names = {name for name in WORD.findall(launcher_script().decode()) if not name.isupper()}
    given = {name: "mine" for name in names if not name.startswith("au2_")}
    stage.write(before="env", main="env", after="env")
    _, out, _ = stage.run(**given)
    shown = out.splitlines()
    assert all(shown.count(f"{name}=mine") == 3 for name in given)


def test_the_libraries_lie_behind_what_the_code_brings(stage: Stage) -> None:
    sdk = stage.platform / "sdk"
    stage.write(main='echo "$PATH"; echo "$PYTHONPATH"; echo "$R_LIBS"')
    _, out, _ = stage.run(PYTHONPATH="/mine")
    path, python, r = out.splitlines()
    assert path == f"{os.environ['PATH']}:{sdk}/sh"
    assert python == f"/mine:{sdk}/python"
    assert r == f"{sdk}/r"


@pytest.mark.parametrize("obstacle", ["mkfifo", "mkdir", "ln -s /dev/full"])
def test_what_the_code_puts_in_the_records_place_is_no_obstacle(
    stage: Stage, obstacle: str
) -> None:
    stage.write(main=f"{obstacle} {stage.job}/launcher.json; exit 4")
    code, _, _ = stage.run()
    assert code == 4
    assert stage.record["entry_exit_code"] == 4
