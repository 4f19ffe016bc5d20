"""What the parts of a data directory take on the disk."""

from pathlib import Path

from au2.server.data_directory import DataDirectory
from au2.server.disk_usage import list_disk_usage

BLOCK = 4096


def test_each_part_has_its_files_and_bytes(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "D")
    data.create()
    (data.logs / "0").mkdir()
    (data.logs / "0" / "1-1.log").write_bytes(b"x" * 10_000)
    (data.logs / "0" / "2-1.log").write_bytes(b"x" * BLOCK)
    (data.logs / "0" / "2-1.writer").symlink_to("/etc/passwd")
    data.database_file.write_bytes(b"x" * BLOCK)
    data.database_copies.mkdir()
    (data.database_copies / "one").write_bytes(b"x" * 2 * BLOCK)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 100 * BLOCK)
    data.downloads.symlink_to(outside)

    found = {usage.name: (usage.files, usage.size_bytes) for usage in list_disk_usage(data)}

    assert found.pop("downloads")[0] == 1, "an operator may keep them on another disk"
    assert found == {
        "logs": (2, 4 * BLOCK),
        "database copies": (1, 2 * BLOCK),
        "database": (1, BLOCK),
    }


def test_a_new_directory_has_nothing(tmp_path: Path) -> None:
    assert list_disk_usage(DataDirectory(tmp_path / "D")) == []
