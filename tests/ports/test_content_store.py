"""What every blob store does. One run per implementation."""

import gzip
import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from au2.domain.errors import BlobMissing, Conflict, DigestMismatch, InvalidRequest, TooLarge
from au2.oci.spec.digest import sha512_of
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.protocol import ContentStore

MakeStore = Callable[[int | None], ContentStore]

DATA = b"some bytes " * 1000
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()
OTHER = "sha256:" + "0" * 64


@pytest.fixture(params=["files", "files without syncfs"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    root = tmp_path / "blobs"
    if request.param == "files":
        return lambda limit: FileContentStore(root, max_blob_bytes=limit)
    return lambda limit: FileContentStore(root, max_blob_bytes=limit, find_syncfs=lambda: None)


@pytest.fixture
def store(make_store: MakeStore) -> ContentStore:
    return make_store(None)


def put(store: ContentStore, data: bytes) -> str:
    with store.writer() as writer:
        writer.write(data)
        return writer.commit()


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_what_is_written_can_be_read(store: ContentStore) -> None:
    assert put(store, DATA) == DIGEST
    assert store.contains(DIGEST)
    assert store.size_bytes(DIGEST) == len(DATA)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA
    with store.open(DIGEST) as file:
        assert file.read(5) == DATA[:5]
        assert file.read() == DATA[5:]
        assert file.read(1) == b""


@pytest.mark.parametrize("size", [0, 1, (1 << 18) - 1, 1 << 18, (1 << 20) + 7])
def test_sizes_around_the_edges(store: ContentStore, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with store.writer(digest=digest_of(data), size_bytes=size) as writer:
        for start in range(0, size, 100_001):
            piece = memoryview(data)[start : start + 100_001]
            assert writer.write(piece) == len(piece)
        assert writer.size_bytes == size
        digest = writer.commit()
    assert store.read_bytes(digest, limit_bytes=size) == data


def test_large_and_small_writes_keep_their_order(store: ContentStore) -> None:
    parts = [b"a", b"b" * 400_000, b"c", b"d" * 200_000, b"e" * 100_000, b"f" * 300_000, b"g"]
    with store.writer() as writer:
        for part in parts:
            writer.write(part)
        digest = writer.commit()
    assert store.read_bytes(digest, limit_bytes=2_000_000) == b"".join(parts)


def test_the_caller_may_use_its_buffer_again(store: ContentStore) -> None:
    buffer = bytearray(b"first")
    with store.writer() as writer:
        writer.write(memoryview(buffer))
        buffer[:] = b"other"
        digest = writer.commit()
    assert store.read_bytes(digest, limit_bytes=5) == b"first"


def test_nothing_is_there_without_commit(store: ContentStore) -> None:
    with store.writer() as writer:
        writer.write(DATA)
    assert not store.contains(DIGEST)
    assert list(store.list_digests()) == []


def test_an_error_in_the_block_leaves_nothing(store: ContentStore) -> None:
    with pytest.raises(KeyError):
        write_and_fail(store)
    assert list(store.list_digests()) == []


def write_and_fail(store: ContentStore) -> None:
    with store.writer() as writer:
        writer.write(DATA)
        raise KeyError


def test_commit_again_says_the_same(store: ContentStore) -> None:
    with store.writer() as writer:
        writer.write(DATA)
        assert writer.commit() == writer.commit() == DIGEST
    assert put(store, DATA) == DIGEST
    assert list(store.list_digests()) == [DIGEST]


def test_another_digest_than_stated(store: ContentStore) -> None:
    with store.writer(digest=OTHER) as writer:
        writer.write(DATA)
        with pytest.raises(DigestMismatch):
            writer.commit()
    assert list(store.list_digests()) == []


def test_fewer_bytes_than_stated(store: ContentStore) -> None:
    with store.writer(size_bytes=len(DATA) + 1) as writer:
        writer.write(DATA)
        with pytest.raises(DigestMismatch):
            writer.commit()
    assert list(store.list_digests()) == []


def test_more_bytes_than_stated(store: ContentStore) -> None:
    with store.writer(size_bytes=len(DATA) - 1) as writer, pytest.raises(TooLarge):
        writer.write(DATA)
    assert list(store.list_digests()) == []


def test_the_limit_of_the_store(make_store: MakeStore) -> None:
    store = make_store(len(DATA) - 1)
    with store.writer() as writer:
        writer.write(DATA[:-1])
        with pytest.raises(TooLarge):
            writer.write(DATA[-1:])
    with pytest.raises(TooLarge), store.batch() as add:
        add(DIGEST, DATA)
    assert list(store.list_digests()) == []


def test_read_bytes_keeps_its_limit(store: ContentStore) -> None:
    put(store, DATA)
    with pytest.raises(TooLarge):
        store.read_bytes(DIGEST, limit_bytes=len(DATA) - 1)


def test_what_is_not_there(store: ContentStore) -> None:
    assert not store.contains(OTHER)
    with pytest.raises(BlobMissing):
        store.size_bytes(OTHER)
    with pytest.raises(BlobMissing):
        store.open(OTHER)
    with pytest.raises(BlobMissing):
        store.read_bytes(OTHER, limit_bytes=10)
    store.remove(OTHER)


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:../../../../etc/passwd", "../x", "md5:0"]
)
def test_what_is_no_digest(store: ContentStore, digest: str) -> None:
    for call in (store.contains, store.size_bytes, store.open, store.remove):
        with pytest.raises(InvalidRequest):
            call(digest)
    with pytest.raises(InvalidRequest), store.writer(digest=digest):
        pass
    with pytest.raises(InvalidRequest), store.batch() as add:
        add(digest, b"")


def test_remove(store: ContentStore) -> None:
    put(store, DATA)
    other = put(store, b"other")
    store.remove(DIGEST)
    assert not store.contains(DIGEST)
    assert list(store.list_digests()) == [other]
    assert put(store, DATA) == DIGEST


def test_a_reader_is_not_disturbed_by_a_removal(store: ContentStore) -> None:
    put(store, DATA)
    with store.open(DIGEST) as file:
        store.remove(DIGEST)
        assert file.read() == DATA


def test_a_batch_becomes_visible_at_its_end(store: ContentStore) -> None:
    contents = {digest_of(data): data for data in (b"%d" % number for number in range(300))}
    with store.batch() as add:
        for digest, data in contents.items():
            add(digest, data)
            add(digest, data)
        assert list(store.list_digests()) == []
    assert set(store.list_digests()) == set(contents)
    for digest, data in contents.items():
        assert store.read_bytes(digest, limit_bytes=10) == data


def test_an_empty_batch(store: ContentStore) -> None:
    with store.batch():
        pass
    assert list(store.list_digests()) == []


def test_a_batch_with_an_error_leaves_nothing(store: ContentStore) -> None:
    with pytest.raises(DigestMismatch):
        add_all(store, [(DIGEST, DATA), (OTHER, DATA)])
    assert list(store.list_digests()) == []


def add_all(store: ContentStore, blobs: list[tuple[str, bytes]]) -> None:
    with store.batch() as add:
        for digest, data in blobs:
            add(digest, data)


def test_a_caught_mismatch_does_not_spoil_the_batch(store: ContentStore) -> None:
    with store.batch() as add:
        with pytest.raises(DigestMismatch):
            add(OTHER, DATA)
        add(DIGEST, DATA)
    assert list(store.list_digests()) == [DIGEST]


def test_a_batch_of_more_than_can_pile_up(store: ContentStore) -> None:
    with store.batch() as add:
        for number in range(5000):
            data = number.to_bytes(4, "big")
            add(digest_of(data), data)
    assert sum(1 for _ in store.list_digests()) == 5000


def test_the_same_blob_from_many_threads_at_once(store: ContentStore) -> None:
    threads = 8
    barrier = threading.Barrier(threads)
    found: list[str] = []

    def work(number: int) -> None:
        for turn in range(10):
            data = b"%d" % turn + DATA
            barrier.wait()
            if number % 2:
                found.append(put(store, data))
            else:
                with store.batch() as add:
                    add(digest_of(data), data)
                found.append(digest_of(data))
            if store.read_bytes(digest_of(data), limit_bytes=100_000) != data:
                found.append("damaged")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    expected = {digest_of(b"%d" % turn + DATA) for turn in range(10)}
    assert sorted(found) == sorted(list(expected) * threads)
    assert sorted(store.list_digests()) == sorted(expected)


# Reading a part


@pytest.mark.parametrize("offset", [0, 1, 5000, len(DATA) - 1, len(DATA), len(DATA) + 5])
def test_reading_begins_where_it_is_told(store: ContentStore, offset: int) -> None:
    put(store, DATA)
    with store.open_from(DIGEST, offset) as file:
        assert file.read() == DATA[offset:]


def test_a_part_of_what_is_not_there(store: ContentStore) -> None:
    with pytest.raises(BlobMissing):
        store.open_from(OTHER, 0)


# Blobs in pieces


def add_piece(store: ContentStore, name: str, data: bytes) -> int:
    with store.resume(name) as part:
        part.write(data)
        return part.size_bytes


def test_a_blob_comes_in_pieces_over_restarts(make_store: MakeStore) -> None:
    assert add_piece(make_store(None), "one", DATA[:10]) == 10
    store = make_store(None)
    assert store.ingest_bytes("one") == 10
    assert add_piece(store, "one", DATA[10:500]) == 500
    with store.resume("one") as part:
        part.write(DATA[500:])
        part.commit(DIGEST, size_bytes=len(DATA))
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA
    assert store.ingest_bytes("one") == 0


def test_what_was_written_stays_after_an_error(store: ContentStore) -> None:
    def write_and_break_off() -> None:
        with store.resume("one") as part:
            part.write(DATA[:7])
            raise KeyError

    with pytest.raises(KeyError):
        write_and_break_off()
    assert store.ingest_bytes("one") == 7
    with store.resume("one") as part:
        part.write(DATA[7:])
        part.commit(DIGEST)
    assert store.contains(DIGEST)


@pytest.mark.parametrize(
    ("digest", "size"), [(OTHER, None), (DIGEST, len(DATA) - 1), (DIGEST, len(DATA) + 1)]
)
def test_untrue_pieces_are_thrown_away(store: ContentStore, digest: str, size: int | None) -> None:
    with store.resume("one") as part:
        part.write(DATA)
        with pytest.raises(DigestMismatch):
            part.commit(digest, size_bytes=size)
    assert store.ingest_bytes("one") == 0
    assert list(store.list_digests()) == []


def test_who_has_a_blob_is_noted_before_it_is_named(store: ContentStore) -> None:
    def die() -> None:
        assert not store.contains(DIGEST)
        raise KeyError

    with store.resume("one") as part:
        part.write(DATA)
        with pytest.raises(KeyError):
            part.commit(DIGEST, note=die)
    assert not store.contains(DIGEST)
    assert store.ingest_bytes("one") == len(DATA)

    noted: list[bool] = []
    with store.resume("one") as part, pytest.raises(DigestMismatch):
        part.commit(OTHER, note=lambda: noted.append(True))
    assert noted == [], "nobody is said to have what did not come"
    add_piece(store, "one", DATA)
    with store.resume("one") as part:
        part.commit(DIGEST, note=lambda: noted.append(True))
    assert store.contains(DIGEST)
    assert noted == [True]


def test_pieces_are_verified_by_an_alias_and_named_by_the_digest(store: ContentStore) -> None:
    alias, other = sha512_of(DATA), sha512_of(b"other")
    with store.resume("one") as part:
        part.write(DATA)
        assert part.digest == DIGEST
        with pytest.raises(DigestMismatch):
            part.commit(other)
    assert store.ingest_bytes("one") == 0

    def die() -> None:
        raise KeyError

    add_piece(store, "one", DATA[:10])
    with store.resume("one") as part:
        part.write(DATA[10:])
        with pytest.raises(KeyError):
            part.commit(alias, note=die)
    assert list(store.list_digests()) == []
    with store.resume("one") as part:
        part.commit(alias, size_bytes=len(DATA))
    assert list(store.list_digests()) == [DIGEST]
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA


def test_an_alias_names_nothing_in_the_store(store: ContentStore) -> None:
    put(store, DATA)
    alias = sha512_of(DATA)
    calls: tuple[Callable[[str], object], ...] = (
        *(store.contains, store.lease, store.size_bytes, store.open, store.remove),
        *(store.find_compressed, lambda name: store.open_from(name, 0)),
        lambda name: store.read_bytes(name, limit_bytes=1 << 20),
        lambda name: store.remove_expired(name, lease_seconds=0),
        lambda name: store.expired_bytes(name, lease_seconds=0),
        lambda name: store.keep_compressed(name, 1, compressed=DIGEST),
    )
    for call in calls:
        with pytest.raises(InvalidRequest):
            call(alias)
    with pytest.raises(InvalidRequest), store.batch() as add:
        add(alias, DATA)
    assert list(store.list_digests()) == [DIGEST]


def test_two_can_not_write_the_same_pieces(store: ContentStore) -> None:
    with store.resume("one") as part:
        part.write(b"mine")
        with pytest.raises(Conflict), store.resume("one"):
            pass
        with pytest.raises(Conflict):
            store.abort_ingest("one")
        assert add_piece(store, "other", b"not mine") == 8
    store.abort_ingest("one")
    store.abort_ingest("one")
    assert store.ingest_bytes("one") == 0


def test_pieces_over_the_limit_are_refused(make_store: MakeStore) -> None:
    store = make_store(100)
    assert add_piece(store, "one", b"x" * 100) == 100
    with pytest.raises(TooLarge):
        add_piece(store, "one", b"x")
    assert store.ingest_bytes("one") == 100


@pytest.mark.parametrize("name", ["", "..", "a/b", "a" * 129, "a\n", "ä"])
def test_names_of_pieces_are_no_paths(store: ContentStore, name: str) -> None:
    with pytest.raises(InvalidRequest), store.resume(name):
        pass


def test_pieces_that_something_is_added_to_stay(store: ContentStore) -> None:
    add_piece(store, "one", DATA[:10])
    [found] = store.list_ingests()
    assert (found.name, found.size_bytes) == ("one", 10)
    with store.resume("one"):
        assert not store.remove_ingest(found), "somebody writes"
    assert not store.remove_ingest(replace(found, changed_at=found.changed_at - 1)), "it grew"
    assert store.ingest_bytes("one") == 10
    assert store.remove_ingest(found)
    assert not store.remove_ingest(found)
    assert store.ingest_bytes("one") == 0


# Blobs that are kept compressed


def test_a_blob_is_kept_as_another_one(store: ContentStore) -> None:
    packed = put(store, gzip.compress(DATA))
    store.keep_compressed(DIGEST, len(DATA), compressed=packed)
    assert list(store.list_digests()) == [packed]
    assert list(store.list_compressed()) == [(DIGEST, packed)]
    assert store.find_compressed(DIGEST) == packed
    assert store.find_compressed(packed) is None
    assert store.contains(DIGEST)
    assert store.size_bytes(DIGEST) == len(DATA)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA
    with store.open_from(DIGEST, 5000) as file:
        assert file.read() == DATA[5000:]


@pytest.mark.parametrize("comes", ["before", "after"])
def test_bytes_of_its_own_are_what_is_read(store: ContentStore, comes: str) -> None:
    """Whoever brings another form chooses nothing for those who have this one."""
    untrue = put(store, gzip.compress(b"something else"))
    if comes == "before":
        put(store, DATA)
    store.keep_compressed(DIGEST, len(DATA), compressed=untrue)
    if comes == "after":
        put(store, DATA)
    assert set(store.list_digests()) == {DIGEST, untrue}
    assert store.find_compressed(DIGEST) is None
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA


def test_the_first_form_stays(store: ContentStore) -> None:
    first, second = (put(store, gzip.compress(DATA, level)) for level in (1, 9))
    store.keep_compressed(DIGEST, len(DATA), compressed=first)
    store.keep_compressed(DIGEST, len(DATA), compressed=second)
    assert store.find_compressed(DIGEST) == first
    store.remove(first)
    store.keep_compressed(DIGEST, len(DATA), compressed=second)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA


def test_what_is_kept_as_another_goes_with_it(store: ContentStore) -> None:
    packed = put(store, gzip.compress(DATA))
    store.keep_compressed(DIGEST, len(DATA), compressed=packed)
    store.remove(packed)
    assert not store.contains(DIGEST)
    assert store.find_compressed(DIGEST) is None
    for ask in (store.size_bytes, store.open):
        with pytest.raises(BlobMissing):
            ask(DIGEST)
    put(store, DATA)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA


def test_untrue_entries_are_found_when_read(store: ContentStore) -> None:
    packed = put(store, gzip.compress(DATA[1:] + b"?"))
    store.keep_compressed(DIGEST, len(DATA), compressed=packed)
    with store.open(DIGEST) as file, pytest.raises(DigestMismatch):
        file.read()


def test_nothing_is_kept_as_what_is_not_there(store: ContentStore) -> None:
    put(store, DATA)
    with pytest.raises(BlobMissing):
        store.keep_compressed(DIGEST, len(DATA), compressed=OTHER)
    assert store.read_bytes(DIGEST, limit_bytes=len(DATA)) == DATA


# Removing what nobody needs


def test_a_lease_needs_a_blob(store: ContentStore) -> None:
    assert not store.lease(DIGEST)
    put(store, DATA)
    assert store.lease(DIGEST)
    assert not store.lease(OTHER)


def test_a_blob_that_was_just_written_is_in_use(store: ContentStore) -> None:
    put(store, DATA)
    assert store.expired_bytes(DIGEST, lease_seconds=3600) is None
    assert store.remove_expired(DIGEST, lease_seconds=3600) is None
    assert store.contains(DIGEST)
    assert store.expired_bytes(OTHER, lease_seconds=3600) is None
    assert store.remove_expired(OTHER, lease_seconds=3600) is None


def test_unfinished_writing_is_told_and_removed(store: ContentStore) -> None:
    add_piece(store, "one", DATA)
    with store.writer() as writer:
        writer.write(b"x" * (1 << 20))
        found = {one.name: one for one in store.list_ingests()}
        assert {part: one.size_bytes for part, one in found.items()} == {
            "one": len(DATA),
            None: 1 << 20,
        }
        assert store.ingest_bytes("one") == len(DATA), "telling removes nothing"
        assert all(store.remove_ingest(one) for one in found.values())
        assert list(store.list_ingests()) == []


def test_room_is_told(store: ContentStore) -> None:
    assert store.free_bytes() > 0
