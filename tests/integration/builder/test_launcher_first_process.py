"""The launcher as the first process of a PID namespace, where it may end all others."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from au2.images.launcher_layer import launcher_script


class Container:
    """As little of a container as makes the launcher the first process."""

    def __init__(
        self, root: Path, shell: str, *, grace: tuple[str, str] = ("0", "60"), **scripts: str
    ) -> None:
        self.package, self.job = root / "package", root / "job"
        for folder in (self.package, self.job):
            folder.mkdir()
        for name, text in scripts.items():
            (self.package / f"{name}.sh").write_text(text)
        (root / "launch").write_bytes(launcher_script())
        after = "after.sh" if "after" in scripts else ""
        (root / "entry").write_text(f"au2_interpreter=sh au2_entry=main.sh au2_after='{after}'\n")
        environment = {
            "PATH": "/usr/bin:/bin",
            "AU_LAUNCHER_PLATFORM": str(root),
            "AU_LAUNCHER_PACKAGE": str(self.package),
            "AU_LAUNCHER_JOB": str(self.job),
            "AU_STOP_GRACE_SECONDS": grace[0],
            "AU_AFTER_GRACE_SECONDS": grace[1],
        }
        self.process = subprocess.Popen(
            [
                *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *(*shell.split(), str(root / "launch")),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, name: str) -> None:
        while not (self.package / name).exists():
            assert self.process.poll() is None
            time.sleep(0.005)

    def stop(self) -> None:
        """Send SIGTERM to the launcher, as an engine does."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        subprocess.run(["kill", "-TERM", *children], check=True)

    def end(self) -> tuple[int, str, str]:
        out, errors = self.process.communicate()
        return self.process.returncode, out, errors

    @property
    def record(self) -> dict[str, object]:
        return dict(json.loads((self.job / "launcher.json").read_text()))


@pytest.fixture(params=["dash", "bash", "busybox sh"])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_straight(tmp_path: Path, shell: str) -> None:
    container = Container(tmp_path, shell, main="echo $PPID; exit 4")
    assert container.end() == (4, "1\n", "")


def test_a_stop_ends_what_ignores_it_and_what_it_left_behind(tmp_path: Path, shell: str) -> None:
    stubborn = 'trap "" TERM; '
    container = Container(
        tmp_path,
        shell,
        main=f"{stubborn} (while :; do sleep 0.01; done) & : > ready; wait; wait",
        after='echo "after $AU_EXIT_CODE"; set -- /proc/[0-9]*; echo $#',
    )
    container.wait_for("ready")
    container.stop()
    # Left over: the launcher and this shell (and no timer, for after.sh has a minute).
    code, out, errors = container.end()
    assert (code, errors) == (137, "")
    lines = out.splitlines()
    assert lines[0] == "after 137"
    assert int(lines[1]) <= 4
    assert container.record["stopped"] is True


def test_a_stop_also_ends_orphans_of_an_obedient_program(tmp_path: Path, shell: str) -> None:
    container = Container(
        tmp_path,
        shell,
        grace=("60", "60"),
        main=(
            "(trap '' TERM; while :; do : > alive; sleep 0.01; done) &\n"
            "trap 'exit 3' TERM; : > ready; while :; do sleep 0.01; done"
        ),
        after="rm -f alive; sleep 0.1; [ ! -e alive ] && echo alone",
    )
    container.wait_for("ready")
    container.stop()
    assert container.end() == (3, "alone\n", "")


def test_after_is_ended_when_its_time_is_over(tmp_path: Path, shell: str) -> None:
    after = "trap '' TERM; : > ready; while :; do sleep 0.01; done"
    container = Container(tmp_path, shell, grace=("60", "0"), main="exit 0", after=after)
    container.wait_for("ready")
    container.stop()
    assert container.end() == (137, "", "")
    assert container.record["entry_exit_code"] == 0


def test_orphans_are_reaped(tmp_path: Path, shell: str) -> None:
    main = (
        "(sleep 0 & sleep 0 &)\n"
        "while cat /proc/[0-9]*/status 2>/dev/null | grep -q '^State:.Z'; do sleep 0.01; done\n"
        "echo clean"
    )
    container = Container(tmp_path, shell, main=main)
    assert container.end() == (0, "clean\n", "")
