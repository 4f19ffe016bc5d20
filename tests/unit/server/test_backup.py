"""Backups: what is in one, and archives that try to write elsewhere."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from backports import zstd

from au2.domain.errors import Au2Error, Conflict, DigestMismatch, InvalidRequest, NotFound
from au2.server.backup.create import BackupResult, create_backup
from au2.server.backup.layout import DATABASE, DESCRIPTION, Description, is_part
from au2.server.backup.restore import restore_backup
from au2.server.data_directory import DataDirectory, allow_blob_removal
from au2.server.wiring.stores import make_blobs, make_logs, open_database
from au2.stores.database.database import Database

DESCRIBED = Description("0.1.0", "2026-11-30T12:00:00Z", "/var/lib/au2")
MakeBackup = Callable[[Path], BackupResult]


def silent(_read_bytes: int) -> None:
    """Tell nobody of the progress."""


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    data = DataDirectory(tmp_path / "data")
    data.create()
    (data.root / "settings.toml").write_text("[server]\n")
    (data.root / "secrets.key").write_text("secret\n")
    blobs = make_blobs(data)
    for content in (b"first", b"", b"x" * 3_000_000):
        with blobs.writer() as writer:
            writer.write(content)
            writer.commit()
    logs = make_logs(data)
    logs.writer(1, 1, 1).append(b"2026-11-30T12:00:00.000000000Z stdout F hello\n", at=0)
    return data


@pytest.fixture
def database(data: DataDirectory) -> Iterator[Database]:
    with closing(open_database(data)) as database:
        database.migrate()
        yield database


@pytest.fixture
def back_up(data: DataDirectory, database: Database) -> MakeBackup:
    return lambda path: create_backup(data, database, path, DESCRIBED, progress=silent)


def files_of(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def blob_path(content: bytes) -> str:
    digits = hashlib.sha256(content).hexdigest()
    return f"blobs/sha256/{digits[:2]}/{digits}"


@pytest.mark.parametrize("name", ["folder", "file.tar", "file.tar.zst"])
def test_what_is_restored_is_what_was_there(
    data: DataDirectory, back_up: MakeBackup, tmp_path: Path, name: str
) -> None:
    made = back_up(tmp_path / "made" / name)
    assert not made.damaged
    restored = DataDirectory(tmp_path / "restored")

    assert restore_backup(tmp_path / "made" / name, restored, progress=silent) == DESCRIBED

    before, after = files_of(data.root), files_of(restored.root)
    for path in ("settings.toml", "logs/0/1-1.log", blob_path(b"first"), blob_path(b"")):
        assert after[path] == before[path]
    assert set(after) == {path for path in before if is_part(path)}
    assert "secrets.key" not in after
    assert not [path for path in before if "backup-copy" in path]
    restored.check()
    with closing(open_database(restored)) as database:
        database.ensure_current()
    for path in (tmp_path / "made" / name, *(tmp_path / "made" / name).rglob("*")):
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, "for root only"
    assert name != "folder" or (tmp_path / "made" / name).stat().st_mode & 0o077 == 0


def test_a_second_backup_to_a_folder_copies_what_is_new(
    data: DataDirectory, back_up: MakeBackup, tmp_path: Path
) -> None:
    back_up(tmp_path / "made")
    with make_blobs(data).writer() as writer:
        writer.write(b"new")
        writer.commit()
    (data.root / blob_path(b"first")).unlink()

    made = back_up(tmp_path / "made")

    assert made.present == 2
    assert made.copied_bytes < 1_000_000
    assert (tmp_path / "made" / blob_path(b"new")).read_bytes() == b"new"
    assert not (tmp_path / "made" / blob_path(b"first")).exists()


def test_half_a_record_of_a_log_is_left_out(
    data: DataDirectory, back_up: MakeBackup, tmp_path: Path
) -> None:
    log = data.root / "logs" / "0" / "1-1.log"
    whole = log.read_bytes()
    log.write_bytes(whole + b"2026-11-30T12:00:01.0000")
    back_up(tmp_path / "made")
    assert (tmp_path / "made" / "logs" / "0" / "1-1.log").read_bytes() == whole


@pytest.mark.parametrize("name", ["folder", "file.tar"])
def test_a_damaged_blob_is_named_and_left_out(
    data: DataDirectory, back_up: MakeBackup, tmp_path: Path, name: str
) -> None:
    (data.root / blob_path(b"first")).write_bytes(b"FIRST")
    made = back_up(tmp_path / name)
    assert made.damaged == [blob_path(b"first")]
    restore_backup(tmp_path / name, DataDirectory(tmp_path / "restored"), progress=silent)
    assert blob_path(b"first") not in files_of(tmp_path / "restored")


def test_no_blob_is_removed_meanwhile(
    data: DataDirectory, back_up: MakeBackup, tmp_path: Path
) -> None:
    with allow_blob_removal(data.blobs), allow_blob_removal(data.blobs), pytest.raises(Conflict):
        back_up(tmp_path / "made")
    back_up(tmp_path / "made")


def test_where_a_backup_can_not_be_written(
    data: DataDirectory, back_up: MakeBackup, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    (tmp_path / "there.tar").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for path in (
        data.root / "backup",
        data.root / "logs" / "x.tar",
        tmp_path / "other",
        tmp_path / "there.tar",
        tmp_path / "file",
        Path("-"),
    ):
        with pytest.raises(Au2Error):
            back_up(path)
    assert (tmp_path / "other" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "there.tar").read_text() == "mine"


def add_entry(archive: tarfile.TarFile, name: str, content: bytes, kind: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, len(content), "/etc/passwd"
    archive.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("../outside", b"x", tarfile.REGTYPE),
        ("/etc/outside", b"x", tarfile.REGTYPE),
        ("logs/../../outside", b"x", tarfile.REGTYPE),
        ("logs/1/..", b"x", tarfile.REGTYPE),
        ("logs/1/1-1.log", b"", tarfile.SYMTYPE),
        ("logs/1/1-1.log", b"", tarfile.LNKTYPE),
        ("logs/1/1-1.log", b"", tarfile.CHRTYPE),
        ("logs", b"", tarfile.SYMTYPE),
        ("secrets.key", b"x", tarfile.REGTYPE),
        ("blobs/sha256/aa/" + "a" * 64, b"wrong", tarfile.REGTYPE),
        ("backup.json", b"{}", tarfile.REGTYPE),
        ("backup.json", b"[" * 60_000, tarfile.REGTYPE),
        ("backup.json", b'{"format": 99}', tarfile.REGTYPE),
    ],
)
def test_hostile_archives_write_nothing(
    tmp_path: Path, name: str, content: bytes, kind: bytes
) -> None:
    with tarfile.open(tmp_path / "hostile.tar", "w") as archive:
        add_entry(archive, "logs/1/2-1.log", b"x\n", tarfile.REGTYPE)
        add_entry(archive, name, content, kind)
        add_entry(archive, DATABASE, b"x", tarfile.REGTYPE)
        add_entry(archive, DESCRIPTION, DESCRIBED.to_bytes(), tarfile.REGTYPE)
    target = tmp_path / "deep" / "restored"

    with pytest.raises((InvalidRequest, DigestMismatch)) as caught:
        restore_backup(tmp_path / "hostile.tar", DataDirectory(target), progress=silent)

    assert len(caught.value.message) < 300
    assert not target.exists()
    assert {path.name for path in tmp_path.rglob("*")} <= {"hostile.tar", "deep"}


def test_archives_that_are_cut_off_or_no_archives(back_up: MakeBackup, tmp_path: Path) -> None:
    back_up(tmp_path / "made.tar.zst")
    whole = (tmp_path / "made.tar.zst").read_bytes()
    plain = zstd.decompress(whole)
    bad = {
        "cut.tar.zst": whole[: len(whole) // 2],
        "cut.tar": plain[: len(plain) // 2],
        "one-entry.tar": plain[:1536],
        "text.tar": b"hello",
        "text.tar.zst": b"hello",
        "empty.tar": b"",
        "other.zip": b"PK",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises((InvalidRequest, DigestMismatch)):
            restore_backup(tmp_path / name, DataDirectory(tmp_path / "new"), progress=silent)
        assert not (tmp_path / "new").exists(), name
    with pytest.raises(NotFound):
        restore_backup(tmp_path / "nowhere", DataDirectory(tmp_path / "new"), progress=silent)


def test_nothing_is_restored_over_something(back_up: MakeBackup, tmp_path: Path) -> None:
    back_up(tmp_path / "made")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(InvalidRequest):
        restore_backup(tmp_path / "made", DataDirectory(tmp_path / "full"), progress=silent)
    assert files_of(tmp_path / "full") == {"mine": b"mine"}
