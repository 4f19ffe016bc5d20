"""Maintenance: the disk reserve, and grace times of garbage collection."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from au2.server.commands.gc import command as gc
from au2.server.data_directory import DataDirectory
from au2.server.disk_reserve import create_disk_reserve, release_disk_reserve


def test_room_is_held_back_and_given_up(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    assert not release_disk_reserve(data)
    create_disk_reserve(data)
    create_disk_reserve(data)
    assert data.reserve_file.stat().st_blocks * 512 >= 1 << 20
    assert release_disk_reserve(data)
    assert not data.reserve_file.exists()


@pytest.mark.parametrize("grace", ["59m", "10", "soon", "0"])
def test_a_grace_time_that_is_not_safe_is_refused(tmp_path: Path, grace: str) -> None:
    result = CliRunner().invoke(gc, ["--data-dir", str(tmp_path), "--grace", grace])
    assert result.exit_code == 2
    assert "--grace" in result.output
