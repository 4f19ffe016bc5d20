"""The sandbox of runtime builds: rights and limits of an untrusted program."""

import shutil
from pathlib import Path

import pytest

from au2.domain.errors import InvalidImage, RuntimeBuildFailed
from au2.runtimes.sandbox import Sandbox
from tests.support.images.busybox import BUSYBOX


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    root = tmp_path / "root"
    for name in ("bin", "proc", "dev", "tmp", "etc", "sys"):
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin" / "busybox")
    (root / "tmp").chmod(0o1777)
    return Sandbox(root, tmp_path, {"COLOUR": "red"})


def run(sandbox: Sandbox, script: str, binds: dict[str, Path] | None = None) -> str:
    command = ["/bin/busybox", "sh", "-c", f'PATH=/bin; b() {{ busybox "$@"; }}; {script}']
    with sandbox.output(command, binds) as output:
        return output.read().decode()


def test_a_program_runs_as_nobody_and_sees_no_other_process(sandbox: Sandbox) -> None:
    assert run(sandbox, "b id -u; echo $COLOUR") == "65534\nred\n"
    assert run(sandbox, "b ip -o link").count("\n") == 1, "no network but its own loopback"
    status = run(sandbox, "b grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status").split()
    assert status == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    assert run(sandbox, "echo $$") == "1\n", "it sees no process but its own"


def test_it_writes_nowhere_but_in_memory(sandbox: Sandbox, tmp_path: Path) -> None:
    bound = tmp_path / "bound"
    bound.mkdir(mode=0o777)
    bound.chmod(0o777)
    binds = {"/dev/au2-bound": bound}
    for place in ("/", "/tmp", "/etc", "/dev", "/dev/au2-bound"):
        assert run(sandbox, f"b touch {place}/x || echo no", binds) == "no\n", place
    assert run(sandbox, "b touch /dev/shm/x && echo yes") == "yes\n"


def test_a_failure_has_the_errors_of_the_program(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(RuntimeBuildFailed, match="exit code 3:\nalas"):
        run(sandbox, "echo alas >&2; exit 3")
    with pytest.raises(RuntimeBuildFailed, match="no-such"):
        run(Sandbox(tmp_path / "no-such", tmp_path, {}), "true")


def read_a_little(sandbox: Sandbox) -> None:
    with sandbox.output(["/bin/busybox", "yes"]) as output:
        assert output.read(4) == b"y\ny\n"
        raise InvalidImage("enough")


def test_a_program_ends_when_its_output_is_not_read_to_the_end(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidImage, match="enough"):
        read_a_little(sandbox)
