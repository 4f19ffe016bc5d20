import gzip
import hashlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from au2.domain.errors import DigestMismatch, StorageFull
from au2.stores.content.filesystem import FileContentStore
from au2.stores.durability import SyncFileSystem, find_syncfs

DATA = b"some bytes"
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put(store: FileContentStore, data: bytes) -> str:
    with store.writer() as writer:
        writer.write(data)
        return writer.commit()


def incoming(root: Path) -> list[Path]:
    return list((root / "incoming").iterdir())


def file_of(root: Path, digest: str) -> Path:
    digits = digest.removeprefix("sha256:")
    return root / "sha256" / digits[:2] / digits


# Files


def test_where_blobs_are_and_who_may_see_them(tmp_path: Path) -> None:
    put(FileContentStore(tmp_path / "blobs"), DATA)
    path = file_of(tmp_path / "blobs", DIGEST)
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert incoming(tmp_path / "blobs") == []


def test_a_second_store_on_the_same_folder_sees_everything(tmp_path: Path) -> None:
    put(FileContentStore(tmp_path), DATA)
    assert FileContentStore(tmp_path).contains(DIGEST)


@pytest.mark.parametrize("damage", [b"some bytez", b"some byte", b"some bytes!", b""])
def test_a_damaged_blob_never_ends_well(tmp_path: Path, damage: bytes) -> None:
    store = FileContentStore(tmp_path)
    put(store, DATA)
    file_of(tmp_path, DIGEST).write_bytes(damage)
    with store.open(DIGEST) as file, pytest.raises(DigestMismatch):
        list(iter(lambda: file.read(3), b""))
    with pytest.raises(DigestMismatch):
        store.read_bytes(DIGEST, limit_bytes=100)


def test_writing_again_heals_a_damaged_blob(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    for heal in (put, put_in_batch):
        heal(store, DATA)
        file_of(tmp_path, DIGEST).write_bytes(b"damage")
        heal(store, DATA)
        assert store.read_bytes(DIGEST, limit_bytes=100) == DATA


def put_in_batch(store: FileContentStore, data: bytes) -> None:
    with store.batch() as add:
        add(digest_of(data), data)


def test_no_write_after_commit(tmp_path: Path) -> None:
    with FileContentStore(tmp_path).writer() as writer:
        writer.commit()
        with pytest.raises(ValueError, match="committed"):
            writer.write(b"x")


def test_clean_incoming_removes_only_what_is_old(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    old, new = tmp_path / "incoming" / "old", tmp_path / "incoming" / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    assert store.clean_incoming(3600) == 1
    assert incoming(tmp_path) == [new]


def test_a_batch_flushes_all_contents_then_all_names(tmp_path: Path) -> None:
    flushes: list[int] = []

    def counting() -> SyncFileSystem:
        real = find_syncfs()
        assert real is not None

        def syncfs(descriptor: int) -> None:
            flushes.append(len(incoming(tmp_path)))
            real(descriptor)

        return syncfs

    store = FileContentStore(tmp_path, find_syncfs=counting)
    with store.batch() as add:
        for number in range(100):
            data = b"%d" % number
            add(digest_of(data), data)
    assert flushes == [100, 0], "contents before they are named, names before it ends"
    assert incoming(tmp_path) == []


def test_a_failing_flush_makes_nothing_visible(tmp_path: Path) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    store = FileContentStore(tmp_path, find_syncfs=lambda: failing)
    with pytest.raises(StorageFull), store.batch() as add:
        add(DIGEST, DATA)
    assert not store.contains(DIGEST)
    assert incoming(tmp_path) == []


def test_syncfs_tells_its_errors() -> None:
    syncfs = find_syncfs()
    assert syncfs is not None
    with pytest.raises(OSError, match="Bad file descriptor"):
        syncfs(-1)


# Disk full, on a real small file system


def with_writer(store: FileContentStore, data: bytes) -> None:
    put(store, data)


def with_batch(store: FileContentStore, data: bytes) -> None:
    pieces = [data[start : start + 10_000] for start in range(0, len(data), 10_000)]
    with store.batch() as add:
        for piece in pieces:
            add(digest_of(piece), piece)


@pytest.mark.parametrize("way", [with_writer, with_batch])
def test_disk_full_leaves_nothing_and_recovers(
    small_disk: Path, way: Callable[[FileContentStore, bytes], None]
) -> None:
    store = FileContentStore(small_disk / "blobs")
    kept = put(store, b"kept")
    for _ in range(3):
        with pytest.raises(StorageFull) as caught:
            way(store, os.urandom(2 << 20))
        assert caught.value.hint
        assert incoming(small_disk / "blobs") == []
        assert list(store.list_digests()) == [kept]
    small = os.urandom(300_000)
    way(store, small)
    assert sum(map(store.size_bytes, store.list_digests())) == len(small) + len(b"kept")


def test_disk_full_in_many_small_writes(small_disk: Path) -> None:
    store = FileContentStore(small_disk / "blobs")
    with pytest.raises(StorageFull):
        write_much(store)
    assert incoming(small_disk / "blobs") == []


def write_much(store: FileContentStore) -> None:
    with store.writer() as writer:
        for _ in range(100):
            writer.write(bytes(50_000))


def test_disk_full_at_the_commit(small_disk: Path) -> None:
    """A small blob is still in memory when the last room is taken by somebody else."""
    store = FileContentStore(small_disk / "blobs")
    with store.writer() as writer:
        writer.write(bytes(100_000))
        fill(small_disk / "filler")
        with pytest.raises(StorageFull):
            writer.commit()
    assert incoming(small_disk / "blobs") == []
    (small_disk / "filler").unlink()
    put(store, bytes(100_000))


def test_disk_full_before_the_start(small_disk: Path) -> None:
    fill_names(small_disk)
    with pytest.raises(StorageFull):
        FileContentStore(small_disk / "blobs")


def test_no_room_for_another_name(small_disk: Path) -> None:
    store = FileContentStore(small_disk / "blobs")
    fill_names(small_disk)
    with pytest.raises(StorageFull), store.writer():
        pass
    with pytest.raises(StorageFull), store.batch() as add:
        add(DIGEST, DATA)
    assert incoming(small_disk / "blobs") == []


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


def fill_names(folder: Path) -> None:
    number = 0
    try:
        while True:
            (folder / f"filler-{number}").write_bytes(b"x")
            number += 1
    except OSError:
        pass
    try:
        while True:
            (folder / f"empty-{number}").touch()
            number += 1
    except OSError:
        return


# Removing what nobody needs

DAY = 86_400.0


def make_old(root: Path, digest: str) -> None:
    then = time.time() - 2 * DAY
    os.utime(file_of(root, digest), (then, then))


def test_an_old_blob_is_removed(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    put(store, DATA)
    make_old(tmp_path, DIGEST)
    assert store.expired_bytes(DIGEST, lease_seconds=DAY) == len(DATA)
    assert store.remove_expired(DIGEST, lease_seconds=DAY) == len(DATA)
    assert not store.contains(DIGEST)
    assert list((tmp_path / "removing").iterdir()) == []


@pytest.mark.parametrize("use", ["lease", "write again", "lease the raw blob"])
def test_a_leased_blob_stays(tmp_path: Path, use: str) -> None:
    store = FileContentStore(tmp_path)
    data = gzip.compress(DATA, mtime=0)
    packed = put(store, data)
    store.keep_compressed(DIGEST, len(DATA), compressed=packed)
    make_old(tmp_path, packed)
    if use == "write again":
        put(store, data)
    else:
        assert store.lease(packed if use == "lease" else DIGEST)
    assert store.remove_expired(packed, lease_seconds=DAY) is None
    assert store.remove_expired(DIGEST, lease_seconds=DAY) is None
    assert store.contains(DIGEST)


def test_a_question_takes_no_lease(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    put(store, DATA)
    make_old(tmp_path, DIGEST)
    assert store.contains(DIGEST)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA
    assert store.remove_expired(DIGEST, lease_seconds=DAY) == len(DATA)


def test_an_entry_of_an_old_blob_is_removed(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    packed = put(store, gzip.compress(DATA))
    store.keep_compressed(DIGEST, len(DATA), compressed=packed)
    make_old(tmp_path, packed)
    assert store.remove_expired(DIGEST, lease_seconds=DAY) == 0
    assert not store.contains(DIGEST)
    assert store.contains(packed)


def test_of_two_forms_the_raw_one_goes_first(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    packed = put(store, gzip.compress(DATA))
    put(store, DATA)
    store.keep_compressed(DIGEST, len(DATA), compressed=packed)
    assert store.remove_expired(DIGEST, lease_seconds=DAY) is None
    make_old(tmp_path, packed)
    assert store.remove_expired(DIGEST, lease_seconds=DAY) is None
    make_old(tmp_path, DIGEST)
    assert store.expired_bytes(DIGEST, lease_seconds=DAY) == len(DATA)
    assert store.remove_expired(DIGEST, lease_seconds=DAY) == len(DATA)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA


def test_a_grace_time_that_is_not_safe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not safe"):
        FileContentStore(tmp_path).remove_expired(DIGEST, lease_seconds=60)


def test_what_a_killed_remover_moved_aside_comes_back(tmp_path: Path) -> None:
    put(FileContentStore(tmp_path), DATA)
    path = file_of(tmp_path, DIGEST)
    path.rename(tmp_path / "removing" / f"{path.name}.0123")
    assert FileContentStore(tmp_path).read_bytes(DIGEST, limit_bytes=100) == DATA
    assert list((tmp_path / "removing").iterdir()) == []


def test_nobody_loses_a_blob_to_a_remover(tmp_path: Path) -> None:
    """A lease that was granted holds, even if the blob was being removed at that moment."""
    store, answers = FileContentStore(tmp_path), Counter[bool]()
    with ThreadPoolExecutor(2) as threads:
        for _ in range(300):
            file_of(tmp_path, DIGEST).write_bytes(DATA)
            make_old(tmp_path, DIGEST)
            both = threading.Barrier(2)

            def remove(both: threading.Barrier = both) -> None:
                both.wait()
                store.remove_expired(DIGEST, lease_seconds=DAY)

            def ask(both: threading.Barrier = both) -> bool:
                both.wait()
                return store.lease(DIGEST)

            removing, asking = threads.submit(remove), threads.submit(ask)
            removing.result()
            answers[asking.result()] += 1
            # Without a lease the file may be there or not: it is put back if utime found it late.
            assert file_of(tmp_path, DIGEST).exists() or not asking.result()
    assert answers.total() == 300


def test_a_blob_removed_between_look_up_and_utime_is_not_leased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``utime`` finds the inode of a path, loses the processor, and then sets the time."""
    store, utime = FileContentStore(tmp_path), os.utime
    put(store, DATA)
    make_old(tmp_path, DIGEST)

    def utime_after_removal(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        assert store.remove_expired(DIGEST, lease_seconds=DAY) == len(DATA)
        utime(descriptor)
        os.close(descriptor)

    monkeypatch.setattr(os, "utime", utime_after_removal)
    assert not store.lease(DIGEST)


# Blobs in pieces


def test_pieces_that_changed_on_disk_are_read_again(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path)
    with store.resume("one") as part:
        part.write(b"some")
    (tmp_path / "partial" / "one").write_bytes(DATA[:6])
    with store.resume("one") as part:
        assert part.size_bytes == 6
        part.write(DATA[6:])
        part.commit(DIGEST)
    assert store.contains(DIGEST)


def test_pieces_on_a_full_disk(small_disk: Path) -> None:
    store = FileContentStore(small_disk)
    before = shutil.disk_usage(small_disk).used
    with store.resume("one") as part:
        part.write(b"x" * (200 << 10))
        with pytest.raises(StorageFull):
            part.write(b"y" * (2 << 20))
        # At once, also while the one who wrote it still has it open.
        assert shutil.disk_usage(small_disk).used == before
    assert store.ingest_bytes("one") == 0
    assert list(store.list_ingests()) == []
