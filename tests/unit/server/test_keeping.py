"""Small parts of keeping house: sizes, progress of reading, the room that is held back."""

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from au2.server.commands.gc import gc
from au2.server.commands.reading_progress import ReadingProgress
from au2.server.data_directory import DataDirectory
from au2.server.disk_reserve import create_disk_reserve, release_disk_reserve


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_says_how_much_and_how_quickly() -> None:
    moments = iter([0.0, 0.1, 2.0, 2.1])
    out = Terminal()
    with ReadingProgress(out, lambda: next(moments)) as progress:
        for _ in range(3):
            progress(1 << 20)
        assert out.getvalue() == "\r\x1b[KRead 2 MiB, 1 MiB/s"
    assert out.getvalue().endswith("\r\x1b[K")


def test_progress_in_a_log_is_whole_lines_now_and_then() -> None:
    moments = iter([0.0, 2.0, 32.0])
    out = io.StringIO()
    with ReadingProgress(out, lambda: next(moments)) as progress:
        progress(16 << 20)
        progress(16 << 20)
    assert out.getvalue() == "Read 32 MiB, 1 MiB/s\n"


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
