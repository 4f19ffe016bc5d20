"""Log files on the disk: where they are, who may read them, and what a full disk does."""

import resource
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from au2.domain.errors import StorageFull
from au2.stores.logs.files import FileLogStore


def test_places_and_modes(tmp_path: Path) -> None:
    FileLogStore(tmp_path / "logs").writer(7_644_571, 2, 1).append(b"x\n", at=0)
    path = tmp_path / "logs" / "7644" / "7644571-2.log"
    assert path.read_bytes() == b"x\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    store = FileLogStore(tmp_path)
    store.writer(1, 1, 1)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "0" / "1-2.log").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        store.writer(1, 2, 1)
    assert secret.read_text() == "secret"


@pytest.fixture
def largest_file() -> Iterator[int]:
    """Let no file of this process grow over the size: the kernel then stops writes half-way."""
    size = 100_000
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    yield size
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_no_half_record(tmp_path: Path, largest_file: int) -> None:
    store = FileLogStore(tmp_path)
    writer = store.writer(1, 1, 1)
    end = writer.append(b"before\n", at=0)
    with pytest.raises(StorageFull, match="disk is full"):
        writer.append(b"x" * largest_file, at=end)
    assert store.read(1, 1, offset=0, limit_bytes=largest_file) == b"before\n"


def test_a_large_log_leaves_room_for_others_and_a_remark_is_written(tmp_path: Path) -> None:
    def all_of_it_from(large_bytes: int, log_bytes: int, total_bytes: int) -> int:
        return total_bytes if log_bytes >= large_bytes else 0

    store = FileLogStore(tmp_path, partial(all_of_it_from, 1000))
    writer = store.writer(1, 1, 1)
    end = writer.append(b"x" * 998 + b"\n", at=0)
    with pytest.raises(StorageFull, match="disk is full"):
        writer.append(b"\n", at=end)
    assert store.size_bytes(1, 1) == end == 999
    assert writer.write_line("platform", "The rest is missing.") > end
