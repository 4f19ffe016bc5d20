"""The systemd units in ``deploy/``, checked by systemd itself."""

import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import BIN, ROOT

pytestmark = pytest.mark.slow
UNITS = sorted(path.name for path in (ROOT / "deploy").iterdir())
INSTALLED = "/opt/au2/bin"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as an operator has them, with au2 in this checkout's environment."""
    for name in UNITS:
        text = (ROOT / "deploy" / name).read_text()
        (tmp_path / name).write_text(text.replace(INSTALLED, str(BIN)))
    return tmp_path


def test_systemd_finds_no_fault(units: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in UNITS)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_systemd_does_find_faults(units: Path) -> None:
    unit = units / "au2-server.service"
    unit.write_text(unit.read_text().replace("KillMode=process", "KillMode=proces"))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "kill mode" in verified.stderr


def test_jobs_outlive_a_stop_of_the_unit() -> None:
    lines = (ROOT / "deploy" / "au2-server.service").read_text().splitlines()

    assert "KillMode=process" in lines
    # A mount namespace of the unit's own would hide the mounts of running containers.
    own_mounts = ("Protect", "Private", "ReadOnly", "ReadWrite", "Inaccessible", "Bind", "Root")
    assert not [line for line in lines if line.startswith(own_mounts)]
    # These would hold in containers too.
    inherited = ("NoNewPrivileges", "SystemCall", "Restrict", "MemoryDeny", "LockPersonality")
    assert not [line for line in lines if line.startswith(inherited)]
