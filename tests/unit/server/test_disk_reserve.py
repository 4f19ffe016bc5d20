"""The disk reserve of a data directory."""

from pathlib import Path

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
